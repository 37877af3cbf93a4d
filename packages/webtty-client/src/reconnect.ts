import type { RstreamError } from '@rstream/protocol';
import { limits, toRstreamError } from '@rstream/protocol';
import type { WebttyTransport } from './transport.ts';

/** Makes another connection to the same device. Rejects when that is not possible now. */
export type Reconnect = (signal: AbortSignal) => Promise<WebttyTransport>;

/** What became of the connection of a session that survives it. */
export interface LinkState {
  /** `lost`: it is being made again. `resumed`: output and input go on where they were. */
  readonly state: 'lost' | 'resumed';
  /** Attempts since it was lost. */
  readonly attempt?: number | undefined;
  /** Ms until the next attempt. */
  readonly retryInMs?: number | undefined;
  readonly error?: RstreamError | undefined;
}

/** Pauses between attempts in ms, the last one for all that follow. The first attempt is made at once. */
const PAUSES = [0, 200, 500, 1_000, 2_000, 5_000] as const;
/** A share of each pause is left to chance, so that many clients of one relay do not come back in one moment. */
const JITTER = 0.3;

/** Errors after which trying again cannot help. */
const final = new Set<string>(['ERR_RSTREAM_SESSION_NOT_FOUND', 'ERR_RSTREAM_SESSION_ENDED', 'UNAUTHORIZED', 'FORBIDDEN']);

export interface Attempts<Result> {
  /** One attempt. */
  readonly attempt: (signal: AbortSignal) => Promise<Result>;
  /** Ms in which it has to succeed. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly onState: ((state: LinkState) => void) | undefined;
  /** Why the connection was lost. */
  readonly cause: unknown;
  /** Ends the present pause early. */
  readonly hurry: { wake: (() => void) | undefined };
}

/**
 * Tries until it works, time is up, or trying cannot help.
 * @throws RstreamError the last failure
 */
export async function untilConnected<Result>({ attempt, withinMs, signal, onState, cause, hurry }: Attempts<Result>): Promise<Result> {
  const giveUpAt = performance.now() + withinMs;
  let error = toRstreamError(cause, 'ERR_RSTREAM_WEBTTY_LOST');
  for (let count = 1; ; count += 1) {
    const pause = (PAUSES[Math.min(count, PAUSES.length) - 1] ?? 0) * (1 - JITTER * Math.random());
    if (signal.aborted || performance.now() + pause > giveUpAt || final.has(error.code)) throw error;
    onState?.({ state: 'lost', attempt: count, retryInMs: Math.round(pause), error });
    if (pause > 0) await pauseFor(pause, signal, hurry);
    if (signal.aborted) throw error;
    try {
      const result = await attempt(signal);
      onState?.({ state: 'resumed', attempt: count });
      return result;
    } catch (failure) {
      error = toRstreamError(failure, 'ERR_RSTREAM_WEBTTY_LOST');
    }
  }
}

function pauseFor(ms: number, signal: AbortSignal, hurry: { wake: (() => void) | undefined }): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      hurry.wake = undefined;
      resolve();
    };
    const timer = setTimeout(done, ms);
    hurry.wake = done;
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Longest time in which a session can be resumed. */
export const resumeWithin = (resumeMs: number): number => Math.min(resumeMs, limits.webtty.clientResume.default);
