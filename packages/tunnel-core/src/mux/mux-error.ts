import { RstreamError } from '@rstream/protocol';
import { goAwayCode } from './frame.ts';

/** The peer broke a rule; `details.goAway` is the code that it is told. */
export function protocolError(message: string): RstreamError {
  return new RstreamError('ERR_RSTREAM_MUX_PROTOCOL', message, { details: { goAway: goAwayCode.protocolError } });
}

/** The peer ended the session with this go-away code. */
export function peerGoAway(code: number): RstreamError {
  return new RstreamError('ERR_RSTREAM_MUX_PROTOCOL', `The peer ended the session with go-away code ${code}.`, {
    details: { peerGoAway: code },
  });
}

export function draining(): RstreamError {
  return new RstreamError('SERVICE_UNAVAILABLE', 'The session is draining and opens no new streams.');
}

export function sessionLost(message: string, cause?: unknown): RstreamError {
  return new RstreamError('SESSION_LOST', message, cause === undefined ? {} : { cause });
}

/** Go-away code that tells the peer about `error`. */
export function goAwayCodeOf(error: RstreamError | undefined): number {
  if (error === undefined) return goAwayCode.normal;
  const code = error.details?.['goAway'];
  return typeof code === 'number' ? code : goAwayCode.normal;
}

/** The error of one stream of a session that ended with `reason`: a fresh object each, so that no two streams share a stack. */
export function streamErrorFrom(reason: RstreamError | undefined): RstreamError {
  if (reason === undefined) return new RstreamError('ERR_RSTREAM_SESSION_CLOSED');
  const details = reason.details === undefined ? {} : { details: reason.details };
  return new RstreamError(reason.code, reason.message, { next: reason.next, cause: reason, ...details });
}
