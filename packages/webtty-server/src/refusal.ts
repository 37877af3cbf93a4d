import type { ErrorCode, RstreamError } from '@rstream/protocol';
import { FailureReason, type MessageOf } from '@rstream/protocol/webtty';

const reasons: Partial<Record<ErrorCode, FailureReason>> = {
  ERR_RSTREAM_COMMAND_NOT_FOUND: FailureReason.NOT_FOUND,
  ERR_RSTREAM_COMMAND_NOT_EXECUTABLE: FailureReason.NOT_EXECUTABLE,
  ERR_RSTREAM_COMMAND_DENIED: FailureReason.DENIED,
  ERR_RSTREAM_COMMAND_WORKDIR: FailureReason.WORKDIR,
  ERR_RSTREAM_DEVICE_BUSY: FailureReason.CAPACITY,
  ERR_RSTREAM_COMMAND_UNSUPPORTED: FailureReason.UNSUPPORTED,
  ERR_RSTREAM_COMMAND_INVALID: FailureReason.INVALID,
  ERR_RSTREAM_DEVICE_STOPPING: FailureReason.STOPPING,
  ERR_RSTREAM_COMMAND_FAILED_TO_START: FailureReason.SPAWN,
  ERR_RSTREAM_TERMINAL_MISSING: FailureReason.TERMINAL_MISSING,
  ERR_RSTREAM_SESSION_NOT_FOUND: FailureReason.NO_SESSION,
  ERR_RSTREAM_SESSION_ENDED: FailureReason.SESSION_ENDED,
  ERR_RSTREAM_SESSION_READ_ONLY: FailureReason.READ_ONLY,
  ERR_RSTREAM_JOB_STORE: FailureReason.JOB_STORE,
  INVALID_REQUEST: FailureReason.INVALID,
};

/** The error message for a command that does not start. Only a client of ours is told the reason as a number. */
export function refusalMessage(error: RstreamError, contract: boolean): MessageOf<'error'> {
  return { kind: 'error', msg: error.message, reason: contract ? (reasons[error.code] ?? FailureReason.UNSPECIFIED) : 0 };
}
