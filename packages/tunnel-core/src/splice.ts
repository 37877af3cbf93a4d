import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { abortedError } from './bound.ts';

/** How a splice went. `error` is absent when both directions ended by themselves. */
export interface SpliceResult {
  readonly aToB: number;
  readonly bToA: number;
  readonly error?: Error;
}

/**
 * Joins two streams until both directions have ended, and owns both from then on. The end of one direction is passed on as a
 * half-close and leaves the other running. An error, a premature close or the signal destroys both, so that neither peer takes
 * a cut for an end: a mux stream is reset, a TCP socket too. Bounded by the buffers of the two streams. Never rejects.
 * Sockets must have been made with `allowHalfOpen`.
 */
export function splice(a: Duplex, b: Duplex, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<SpliceResult> {
  return new Promise((resolve) => {
    let failure: Error | undefined;
    let open = 2;
    const counts = { aToB: 0, bToA: 0 };
    const fail = (error: Error): void => {
      failure ??= error;
      cut(a, failure);
      cut(b, failure);
    };
    const onAbort = (): void => fail(abortedError('The splice', signal));
    const closed = (stream: Duplex) => (): void => {
      const ended = stream.readableEnded && stream.writableFinished && !stream.errored;
      if (!ended) fail(stream.errored ?? new RstreamError('SESSION_LOST', 'One end of the connection was cut.'));
      open -= 1;
      if (open > 0) return;
      signal?.removeEventListener('abort', onAbort);
      resolve(failure === undefined ? counts : { ...counts, error: failure });
    };
    watch(a, fail, closed(a));
    watch(b, fail, closed(b));
    pump(a, b, (bytes) => (counts.aToB += bytes));
    pump(b, a, (bytes) => (counts.bToA += bytes));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

function watch(stream: Duplex, onError: (error: Error) => void, onClosed: () => void): void {
  stream.on('error', onError);
  if (stream.closed) queueMicrotask(onClosed);
  else stream.once('close', onClosed);
}

/** One direction: as fast as the slower side takes it. */
function pump(from: Duplex, to: Duplex, count: (bytes: number) => void): void {
  const resume = (): void => void from.resume();
  from.on('data', (chunk: Buffer) => {
    count(chunk.length);
    if (to.write(chunk)) return;
    from.pause();
    to.once('drain', resume);
  });
  from.once('end', () => to.end());
}

/** Ends a stream so that its peer sees a failure. A plain `destroy` of a TCP socket would look like an ordinary end. */
function cut(stream: Duplex, error: Error): void {
  if (stream.destroyed) return;
  if (stream.constructor === Socket && (stream as Socket).remotePort !== undefined) (stream as Socket).resetAndDestroy();
  else stream.destroy(error);
}
