import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** What a page of ours may do: load its own script and style, and speak to its own host. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A refused client has this long to end its side, ms. */
const LINGER = 2_000;

/** On every answer, whatever it says. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

const SENTENCES: Readonly<Record<number, string>> = {
  403: 'This origin may not open a terminal here. The operator of the device can allow it with --allowed-origin.',
  404: 'There is nothing here. The terminal is at /.',
  405: 'Only GET and HEAD are answered here.',
  503: 'This device takes no more connections at the moment. Try again shortly.',
};

/** A refusal as plain text; ends the connection, so that a body which nobody wants is not read. */
export function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...refusalHeaders(status), ...(status === 405 ? { allow: 'GET, HEAD' } : {}) });
  response.end(`${SENTENCES[status] ?? ''}\n`);
}

/** A refusal where no response object exists: of an upgrade, and of a connection. */
export function refuseStream(stream: Duplex, status: number): void {
  const body = `${SENTENCES[status] ?? ''}\n`;
  const headers = { ...refusalHeaders(status), 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  stream.on('error', () => undefined);
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
  // Destroyed at once, a stream of the tunnel takes back what the far end has not read yet: it may end its side first.
  const deadline = setTimeout(() => stream.destroy(), LINGER);
  deadline.unref();
  stream.once('end', () => stream.destroy());
  stream.once('close', () => clearTimeout(deadline));
  stream.resume();
}

function refusalHeaders(status: number): Record<string, string> {
  return {
    ...securityHeaders,
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
    ...(status === 503 ? { 'retry-after': '5' } : {}),
  };
}
