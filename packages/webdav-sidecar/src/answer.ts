import type { IncomingMessage, ServerResponse } from 'node:http';
import { keySegments, toHref } from './address.ts';
import { drainRefused, tooMuchToDrain } from './body.ts';
import type { Failure } from './failure.ts';
import { escapeXml } from './xml.ts';

/** First line of every XML answer. */
export const XML_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n';
export const XML_TYPE = 'application/xml; charset=utf-8';

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  423: 'Locked',
  424: 'Failed Dependency',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

/** A `DAV:status` element. */
export const statusXml = (status: number): string => `<D:status>HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}</D:status>`;

/** Files are shown by browsers as documents without rights, and never guessed to be something else. */
export function setCommonHeaders(response: ServerResponse): void {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cache-control', 'private, no-cache');
  response.setHeader('content-security-policy', 'sandbox');
}

/** Ends the answer without a body. */
export function sendEmpty(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, status === 204 || status === 304 ? headers : { 'content-length': '0', ...headers });
  response.end();
}

/** Ends the answer with a text. */
export function sendText(
  response: ServerResponse,
  status: number,
  body: { type: string; text: string; headers?: Readonly<Record<string, string>> },
): void {
  const bytes = Buffer.from(body.text);
  response.writeHead(status, { 'content-type': body.type, 'content-length': String(bytes.length), ...body.headers });
  response.end(bytes);
}

/**
 * Answers with a failure: its condition as XML, or its sentence. A body that has begun cannot be taken back, so it is cut. The whole
 * answer goes out at once; the exchange ends when the rest of the request body is read or given up.
 */
export async function sendFailure(request: IncomingMessage, response: ServerResponse, failure: Failure, prefix: string): Promise<void> {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { type, text } = failureBody(failure, prefix);
  const bytes = Buffer.from(text);
  if (tooMuchToDrain(request)) response.setHeader('connection', 'close');
  response.writeHead(failure.status, { 'content-type': type, 'content-length': String(bytes.length), ...failure.headers });
  response.write(bytes);
  await drainRefused(request);
  response.end();
}

function failureBody({ condition, href, message }: Failure, prefix: string): { type: string; text: string } {
  if (condition === undefined) return { type: 'text/plain; charset=utf-8', text: `${message}\n` };
  const about = href === undefined ? '' : `<D:href>${escapeXml(toHref(prefix, keySegments(href), false))}</D:href>`;
  return { type: XML_TYPE, text: `${XML_HEAD}<D:error xmlns:D="DAV:"><D:${condition}>${about}</D:${condition}></D:error>\n` };
}
