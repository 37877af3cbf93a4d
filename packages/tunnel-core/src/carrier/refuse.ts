import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RstreamError } from '@rstream/protocol';
import { errorHeader, upgradeProtocol, type WireErrorBody } from '@rstream/protocol/wire';

/** The ways in which a session reaches the relay. */
export type CarrierKind = 'upgrade' | 'websocket';

/** Which carrier an upgrade request asks for; undefined when none of ours. */
export function requestedCarrier(request: IncomingMessage): CarrierKind | undefined {
  const wanted = request.headers.upgrade?.toLowerCase();
  if (wanted === upgradeProtocol) return 'upgrade';
  return wanted === 'websocket' ? 'websocket' : undefined;
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
};

/** Refuses an upgrade request with an ordinary HTTP answer that our client turns back into the same error, and ends the socket. */
export function refuseCarrier(socket: Duplex, error: RstreamError): void {
  const body: WireErrorBody = { error: error.message, code: error.code, next: error.next };
  const text = JSON.stringify(body);
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${error.status} ${reasons[error.status] ?? 'Refused'}\r\n` +
      `${errorHeader}: ${error.code}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` +
      `${error.status === 401 ? 'WWW-Authenticate: Bearer\r\n' : ''}Connection: close\r\n\r\n${text}`,
  );
}
