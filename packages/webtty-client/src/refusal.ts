import { RstreamError, type ErrorCode } from '@rstream/protocol';
import { FailureReason, type MessageOf } from '@rstream/protocol/webtty';

const codes: Readonly<Record<number, ErrorCode>> = {
  [FailureReason.NOT_FOUND]: 'ERR_RSTREAM_COMMAND_NOT_FOUND',
  [FailureReason.NOT_EXECUTABLE]: 'ERR_RSTREAM_COMMAND_NOT_EXECUTABLE',
  [FailureReason.DENIED]: 'ERR_RSTREAM_COMMAND_DENIED',
  [FailureReason.WORKDIR]: 'ERR_RSTREAM_COMMAND_WORKDIR',
  [FailureReason.CAPACITY]: 'ERR_RSTREAM_DEVICE_BUSY',
  [FailureReason.UNSUPPORTED]: 'ERR_RSTREAM_COMMAND_UNSUPPORTED',
  [FailureReason.INVALID]: 'ERR_RSTREAM_COMMAND_INVALID',
  [FailureReason.STOPPING]: 'ERR_RSTREAM_DEVICE_STOPPING',
  [FailureReason.SPAWN]: 'ERR_RSTREAM_COMMAND_FAILED_TO_START',
  [FailureReason.TERMINAL_MISSING]: 'ERR_RSTREAM_TERMINAL_MISSING',
  [FailureReason.NO_SESSION]: 'ERR_RSTREAM_SESSION_NOT_FOUND',
  [FailureReason.SESSION_ENDED]: 'ERR_RSTREAM_SESSION_ENDED',
  [FailureReason.READ_ONLY]: 'ERR_RSTREAM_SESSION_READ_ONLY',
  [FailureReason.JOB_STORE]: 'ERR_RSTREAM_JOB_STORE',
};

/** The longest text of a peer that goes into an error of ours. */
const PEER_TEXT_CHARACTERS = 500;

/** What an `error` or `protocol_error` message of a server means. A published server gives only words: `ERR_RSTREAM_WEBTTY_REFUSED`. */
export function refusalError(message: MessageOf<'error'> | MessageOf<'protocolError'>): RstreamError {
  const text = message.msg.slice(0, PEER_TEXT_CHARACTERS);
  if (message.kind === 'protocolError') {
    return new RstreamError('ERR_RSTREAM_WEBTTY_REFUSED', text === '' ? undefined : text, { details: { protocolError: message.code } });
  }
  return new RstreamError(codes[message.reason] ?? 'ERR_RSTREAM_WEBTTY_REFUSED', text === '' ? undefined : text);
}
