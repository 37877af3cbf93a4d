import { RstreamError } from '@rstream/protocol';

/** What may end a wait: the caller's signal, a deadline in ms, or both. */
export interface Bound {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; 0 or absent = no deadline. */
  readonly timeout?: number | undefined;
}

/**
 * Calls `stop` at most once: with `ERR_RSTREAM_ABORTED` when the signal fires (in a microtask if it already has), with
 * `ERR_RSTREAM_TIMEOUT` when the deadline passes. The returned function disarms both and must be called when the wait is over.
 */
export function armBound(bound: Bound, what: string, stop: (error: RstreamError) => void): () => void {
  const { signal, timeout = 0 } = bound;
  if (signal?.aborted === true) return stopSoon(() => stop(abortedError(what, signal)));
  let timer: NodeJS.Timeout | undefined;
  const disarm = (): void => {
    if (timer !== undefined) clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
  const onAbort = (): void => {
    disarm();
    stop(abortedError(what, signal));
  };
  if (timeout > 0) {
    timer = setTimeout(() => {
      disarm();
      stop(new RstreamError('ERR_RSTREAM_TIMEOUT', `${what} took longer than ${timeout} ms.`));
    }, timeout);
  }
  signal?.addEventListener('abort', onAbort, { once: true });
  return disarm;
}

/** Never before `armBound` has returned, so that `stop` may use the disarming function. */
function stopSoon(stop: () => void): () => void {
  let armed = true;
  queueMicrotask(() => {
    if (armed) stop();
  });
  return () => {
    armed = false;
  };
}

/** The coded error for a signal that fired; a coded reason is passed on as it is. */
export function abortedError(what: string, signal: AbortSignal | undefined): RstreamError {
  const reason: unknown = signal?.reason;
  return RstreamError.is(reason) ? reason : new RstreamError('ERR_RSTREAM_ABORTED', `${what} was cancelled.`, { cause: reason });
}

/** `work` raced against a bound. The work itself is not stopped: give it the same signal where it can be. */
export function within<T>(work: Promise<T>, bound: Bound, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const disarm = armBound(bound, what, reject);
    work.then(resolve, reject).finally(disarm);
  });
}
