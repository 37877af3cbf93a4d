import { requestIdHeader } from '@rstream/protocol/wire';
import type { HeaderField, RequestHead } from './head.ts';

/** Facts about the client that only the edge knows. */
export interface ForwardedFacts {
  readonly clientIp: string;
  readonly proto: 'http' | 'https';
  /** Unique among the running connections of this relay. */
  readonly connectionId: string;
}

/** Digits of the request counter at the very end of a rewritten head. */
const COUNTER_DIGITS = 8;
const MAX_FORWARDED_FOR = 1_024;

/** Never passed on: they speak of one hop, or claim what only the edge can know. */
const DROPPED = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'upgrade',
  'http2-settings',
  'te',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  requestIdHeader,
]);
/** A client may not have these removed by naming them in `Connection`: they frame or route the message. */
const KEPT = new Set(['host', 'content-length', 'transfer-encoding', 'trailer', 'expect', 'cookie', 'authorization']);

/**
 * The head as the service gets it. The last eight bytes before the final empty line are the hexadecimal request counter, so that
 * `numbered` can reuse the result for the next identical request.
 *
 * @param request the head, with target and fields already cleared of the relay's credential
 */
export function rewriteHead(request: RequestHead, facts: ForwardedFacts): Buffer {
  const kept = request.fields.filter((field) => passes(field, request));
  const lines = [
    `${request.method} ${request.target} HTTP/${request.version}`,
    ...kept.map((field) => `${field.name}: ${field.value}`),
    ...hopLines(request),
    `x-forwarded-for: ${forwardedFor(request.fields, facts.clientIp)}`,
    `x-forwarded-proto: ${facts.proto}`,
    `x-forwarded-host: ${request.host}`,
    `${requestIdHeader}: ${facts.connectionId}-${'0'.repeat(COUNTER_DIGITS)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** A copy of a rewritten head that carries request number `count`. */
export function numbered(template: Buffer, count: number): Buffer {
  const head = Buffer.allocUnsafe(template.length);
  template.copy(head);
  head.write(counterDigits(count), template.length - 4 - COUNTER_DIGITS, 'latin1');
  return head;
}

/** The id of request number `count`, as logs, pages and the service show it. */
export function requestId(connectionId: string, count: number): string {
  return `${connectionId}-${counterDigits(count)}`;
}

function counterDigits(count: number): string {
  return (count >>> 0).toString(16).padStart(COUNTER_DIGITS, '0');
}

function passes(field: HeaderField, request: RequestHead): boolean {
  // Servers that map header names to variables read `x_forwarded_for` and `x-forwarded-for` as one name.
  const key = field.key.includes('_') ? field.key.replaceAll('_', '-') : field.key;
  if (DROPPED.has(key)) return false;
  return KEPT.has(key) || !request.hopFields.has(key);
}

/** Our own word to the next hop: the connection of the client and the one to the service live and end together. */
function hopLines(request: RequestHead): string[] {
  if (request.upgrade !== undefined) return ['connection: Upgrade', `upgrade: ${request.upgrade}`];
  const trailers = request.hopFields.has('te') && request.fields.some((field) => field.key === 'te' && /\btrailers\b/i.test(field.value));
  const options = [...(request.close ? ['close'] : request.version === '1.0' ? ['keep-alive'] : []), ...(trailers ? ['te'] : [])];
  return [...(trailers ? ['te: trailers'] : []), ...(options.length === 0 ? [] : [`connection: ${options.join(', ')}`])];
}

function forwardedFor(fields: readonly HeaderField[], clientIp: string): string {
  const claimed = fields
    .filter((field) => field.key === 'x-forwarded-for')
    .map((field) => field.value)
    .join(', ');
  const sane = /^[0-9a-fA-F.:[\], ]+$/.test(claimed) && claimed.length <= MAX_FORWARDED_FOR;
  return sane ? `${claimed}, ${clientIp}` : clientIp;
}
