import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RstreamError } from '@rstream/protocol';
import { errorHeader, requestIdHeader, type WireErrorBody } from '@rstream/protocol/wire';

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An error as an HTTP answer: `{error, code, next}` and the code in a header. */
export function refusalOf(error: RstreamError, requestId: string): Refusal {
  const body: WireErrorBody = { error: error.message, code: error.code, next: error.next };
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      [errorHeader]: error.code,
      [requestIdHeader]: requestId,
      ...(error.status === 401 ? { 'www-authenticate': 'Bearer realm="rstream"' } : {}),
      ...(error.status === 429 || error.status === 503 ? { 'retry-after': '1' } : {}),
    },
    body: `${JSON.stringify(body)}\n`,
  };
}

/** Answers an upgrade request that is refused, on its bare socket, and ends it. */
export function refuseUpgrade(socket: Duplex, error: RstreamError, requestId: string): void {
  const { status, headers, body } = refusalOf(error, requestId);
  const lines = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' });
  socket.end(
    [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines.map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n'),
  );
}
