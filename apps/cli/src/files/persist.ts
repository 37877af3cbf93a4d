import { setTimeout as pause } from 'node:timers/promises';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import { createBackoff } from '@rstream/tunnel-core';
import { isAbsent } from './http.ts';
import { isPassing, statusOf } from './status-error.ts';

/** What a transfer tells about itself, so that it is not given up while it gets on. */
export type Progress = (bytes: number) => void;

export interface PersistOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without progress after which it is given up; default `files.retryTime`. */
  readonly patienceMs?: number | undefined;
  /** Further statuses after which it is tried again. */
  readonly statuses?: readonly number[];
}

/** Errors of a device or a relay that may be back in a moment. */
const passing = new Set([
  'SESSION_LOST',
  'TUNNEL_NOT_FOUND',
  'TUNNEL_OFFLINE',
  'TUNNEL_REPLACED',
  'TUNNEL_CLOSED',
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'CAPACITY_EXHAUSTED',
  'ERR_RSTREAM_CONNECT_FAILED',
  'ERR_RSTREAM_SESSION_CLOSED',
  'ERR_RSTREAM_STREAM_RESET',
  'ERR_RSTREAM_TIMEOUT',
]);
/**
 * Runs `work` again, with growing waits, as long as it fails because a connection was lost and something was got done in the last while.
 * `work` takes up what the attempt before it left. A first attempt that does not reach the device at all is not repeated.
 */
export async function persist<Result>(work: (progress: Progress) => Promise<Result>, options: PersistOptions = {}): Promise<Result> {
  const { signal, patienceMs = limits.files.retryTime.default, statuses = [] } = options;
  const delays = { minDelay: limits.files.retryMinDelay.default, maxDelay: limits.files.retryMaxDelay.default };
  const backoff = createBackoff(delays);
  let lastProgress = performance.now();
  let hasWorked = false;
  for (;;) {
    try {
      return await work(() => {
        lastProgress = performance.now();
        backoff.reset();
        hasWorked = true;
      });
    } catch (error) {
      if (signal?.aborted === true || !mayPass(error, statuses)) throw error;
      if (!hasWorked && isAbsent(error)) throw error;
      if (performance.now() - lastProgress > patienceMs) throw stalled(error);
    }
    await pause(backoff.next(), undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
      throw new RstreamError('ERR_RSTREAM_ABORTED', undefined, { cause });
    });
  }
}

function mayPass(error: unknown, statuses: readonly number[]): boolean {
  const status = statusOf(error);
  if (status !== undefined) return isPassing(status) || statuses.includes(status);
  return RstreamError.is(error) && passing.has(error.code);
}

function stalled(cause: unknown): RstreamError {
  const reason = cause instanceof Error ? ` The last failure: ${cause.message}` : '';
  return new RstreamError('ERR_RSTREAM_FILE_STALLED', `The transfer made no progress for too long.${reason}`, { cause });
}
