import { STATUS_CODES } from 'node:http';
import type { ErrorCode, RstreamError } from '@rstream/protocol';
import { errorHeader, requestIdHeader } from '@rstream/protocol/wire';
import type { RequestHead } from './head.ts';

/** An answer that the relay makes itself. The connection ends after it. */
export interface EdgeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Absent for a redirect. */
  readonly error?: RstreamError | undefined;
}

/** The answer for an error: its status, and `WWW-Authenticate` where one is due. */
export function errorAnswer(error: RstreamError): EdgeAnswer {
  const status = error.status;
  return { status, error, headers: status === 401 ? { 'www-authenticate': 'Bearer realm="rstream"' } : undefined };
}

/**
 * The bytes of an answer: a small page for a browser, `{error, code, next, request_id}` for everyone else.
 *
 * @param head the request, when it could be read
 */
export function renderAnswer(answer: EdgeAnswer, head: RequestHead | undefined, requestId: string): Buffer {
  const html = answer.error !== undefined && head !== undefined && wantsHtml(head);
  const body = answer.error === undefined ? '' : html ? page(answer.error, answer.status, requestId) : json(answer.error, requestId);
  const headers: Record<string, string> = {
    'content-type': html ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    [requestIdHeader]: requestId,
    connection: 'close',
    date: new Date().toUTCString(),
    ...(answer.error === undefined ? {} : { [errorHeader]: answer.error.code }),
    ...answer.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const start = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Error'}`;
  return Buffer.from(`${start}\r\n${lines.join('\r\n')}\r\n\r\n${head?.method === 'HEAD' ? '' : body}`);
}

/** True when the client prefers a page: a browser names `text/html`, API clients do not. */
export function wantsHtml(head: RequestHead): boolean {
  return head.fields.some((field) => field.key === 'accept' && /\btext\/html\b/i.test(field.value));
}

function json(error: RstreamError, requestId: string): string {
  return `${JSON.stringify({ error: error.message, code: error.code, next: error.next, request_id: requestId, source: sourceOf(error.code).key })}\n`;
}

interface Source {
  readonly key: 'edge' | 'device' | 'service';
  readonly words: string;
}

function sourceOf(code: ErrorCode): Source {
  switch (code) {
    case 'TUNNEL_OFFLINE':
    case 'SESSION_LOST':
    case 'TUNNEL_CLOSED':
    case 'TUNNEL_REPLACED':
      return { key: 'device', words: 'The relay works; the device behind this address is not connected.' };
    case 'UPSTREAM_UNREACHABLE':
    case 'UPSTREAM_TIMEOUT':
    case 'INVALID_STREAM':
      return { key: 'service', words: 'The relay and the device work; the service behind them did not answer.' };
    default:
      return { key: 'edge', words: 'The relay answered; the request was not passed on.' };
  }
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1.5rem;color:#1c1e21;background:#fff}' +
  'h1{font-size:1.3rem}code{font-family:ui-monospace,monospace}small{color:#606770}' +
  '@media(prefers-color-scheme:dark){body{color:#e4e6eb;background:#18191a}small{color:#a0a4ab}}';

function page(error: RstreamError, status: number, requestId: string): string {
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(error.message)}</p>
<p>${escapeHtml(error.next)}</p>
<p><small>${escapeHtml(sourceOf(error.code).words)}<br><code>${escapeHtml(error.code)}</code> · request <code>${escapeHtml(requestId)}</code></small></p>
</body></html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
