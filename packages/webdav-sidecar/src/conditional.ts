import type { IncomingMessage } from 'node:http';
import type { Entry } from './entry.ts';
import { Failure } from './failure.ts';

const tags = /(?:W\/)?"[^"]*"/g;
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

function dateOf(header: string | undefined): number | undefined {
  const time = header === undefined ? NaN : Date.parse(header);
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

function names(header: string, etag: string | undefined, weak: boolean): boolean {
  if (etag === undefined) return false;
  if (header.trim() === '*') return true;
  return (header.match(tags) ?? []).some((tag) => tag === etag || (weak && tag === `W/${etag}`));
}

/** Outcome of the conditions of RFC 9110 §13.2.2 for an entry as it is now. */
export function checkConditions(request: IncomingMessage, entry: Entry | undefined): 'proceed' | 'not-modified' | 'failed' {
  const { headers, method } = request;
  const reading = method === 'GET' || method === 'HEAD';
  if (headers['if-match'] !== undefined) {
    if (!names(headers['if-match'], entry?.etag, false)) return 'failed';
  } else {
    const since = dateOf(headers['if-unmodified-since']);
    if (since !== undefined && entry !== undefined && seconds(entry.modified) > since) return 'failed';
  }
  if (headers['if-none-match'] !== undefined) {
    if (names(headers['if-none-match'], entry?.etag, true)) return reading ? 'not-modified' : 'failed';
  } else if (reading && entry !== undefined) {
    const since = dateOf(headers['if-modified-since']);
    if (since !== undefined && seconds(entry.modified) <= since) return 'not-modified';
  }
  return 'proceed';
}

/** Throws 412 when a condition does not hold. */
export function assertConditions(request: IncomingMessage, entry: Entry | undefined): void {
  if (checkConditions(request, entry) === 'failed') throw new Failure(412, 'A condition of the request does not hold.');
}

/** True when `If-Range` allows a part of the file as it is now: an equal strong tag, or the exact date of a change. */
export function rangeAllowed(request: IncomingMessage, entry: Entry): boolean {
  const header = request.headers['if-range'];
  if (header === undefined) return true;
  const text = Array.isArray(header) ? header.join(',') : header;
  return text.startsWith('"') ? text === entry.etag : dateOf(text) === seconds(entry.modified);
}
