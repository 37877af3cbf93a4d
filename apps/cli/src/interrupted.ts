/** Exit code of a command that a signal asked to stop; undefined when none did. */
export function interruptedStatus(signal: AbortSignal): number | undefined {
  if (!signal.aborted) return undefined;
  return signal.reason === 'SIGTERM' ? 143 : 130;
}
