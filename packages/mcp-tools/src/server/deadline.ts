import { RstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';

/** Bounds of one run. */
export interface Bounds {
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
  /** How long an aborted run may clean up before its caller is answered. */
  readonly graceMs?: number;
}

/**
 * Runs `task` with a signal that fires when the caller cancels or the deadline passes. A task that does not listen to its signal
 * is answered for after the grace, so a call always ends.
 *
 * @throws RstreamError ERR_RSTREAM_TIMEOUT | ERR_RSTREAM_ABORTED, or what the task threw.
 */
export async function within<T>(task: (signal: AbortSignal) => Promise<T>, bounds: Bounds): Promise<T> {
  const stop = new AbortController();
  const seconds = bounds.deadlineMs / 1000;
  const deadline = setTimeout(
    () => stop.abort(new RstreamError('ERR_RSTREAM_TIMEOUT', `The call did not finish within ${seconds} s.`)),
    bounds.deadlineMs,
  );
  const cancel = () => stop.abort(new RstreamError('ERR_RSTREAM_ABORTED', undefined, { cause: bounds.signal.reason }));
  if (bounds.signal.aborted) cancel();
  else bounds.signal.addEventListener('abort', cancel, { once: true });
  let grace: NodeJS.Timeout | undefined;
  const abandoned = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => {
      grace = setTimeout(() => reject(stop.signal.reason as Error), bounds.graceMs ?? mcpLimits.abortGrace.default);
    });
  });
  try {
    return await Promise.race([task(stop.signal), abandoned]);
  } finally {
    clearTimeout(deadline);
    clearTimeout(grace);
    bounds.signal.removeEventListener('abort', cancel);
  }
}
