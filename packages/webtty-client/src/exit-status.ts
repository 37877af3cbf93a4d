import { RstreamError } from '@rstream/protocol';
import type { ExecResult } from '@rstream/protocol/exec';

/** Numbers of the signals that POSIX fixes, and of the common others on Linux. */
const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

const TIMED_OUT = 124;
const SESSION_FAILED = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
const SIGNAL_BASE = 128;
const SIGINT = 2;

/**
 * Exit status of a local process that stands for a remote command, as `timeout` and shells do it: its own code; 128 + n for
 * signal n; 124 out of time; 130 cancelled; 125 when the end is not known.
 */
export function exitStatus(result: Pick<ExecResult, 'exit_code' | 'signal' | 'timed_out' | 'cancelled'>): number {
  if (result.timed_out) return TIMED_OUT;
  if (result.cancelled) return SIGNAL_BASE + SIGINT;
  if (result.signal !== null) return SIGNAL_BASE + (signalNumbers[result.signal] ?? 0);
  if (result.exit_code === null) return SESSION_FAILED;
  return Math.min(Math.max(result.exit_code, 0), 255);
}

/** Exit status for a command that did not run to an end: 127 not found, 126 denied or not executable, else 125. */
export function exitStatusOfError(error: unknown): number {
  const code = RstreamError.is(error) ? error.code : undefined;
  if (code === 'ERR_RSTREAM_COMMAND_NOT_FOUND') return NOT_FOUND;
  if (code === 'ERR_RSTREAM_COMMAND_NOT_EXECUTABLE' || code === 'ERR_RSTREAM_COMMAND_DENIED') return NOT_EXECUTABLE;
  return SESSION_FAILED;
}
