import { RstreamError } from '@rstream/protocol';

/** A header field: the name as sent, its lower-case form, and the value without surrounding blanks. */
export interface HeaderField {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/** How the bytes after a request head are delimited. */
export type BodyFraming = { readonly kind: 'none' } | { readonly kind: 'length'; readonly length: number } | { readonly kind: 'chunked' };

/** A request head that passed every rule of RFC 9112 that keeps two parsers from disagreeing. */
export interface RequestHead {
  readonly method: string;
  /** Origin-form (`/path?query`), or `*` for OPTIONS. An absolute-form target has been reduced to this. */
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly fields: readonly HeaderField[];
  /** Host name, lower case, without port. */
  readonly hostname: string;
  /** The Host field as sent (host and port). */
  readonly host: string;
  readonly body: BodyFraming;
  /** The client asked for the connection to end after this exchange. */
  readonly close: boolean;
  /** The protocol that an `Upgrade` asks for; h2c is never passed on and reads as undefined. */
  readonly upgrade: string | undefined;
  /** Field names, lower case, that `Connection` declares to be for this hop only. */
  readonly hopFields: ReadonlySet<string>;
}

// oxlint-disable-next-line no-control-regex -- control characters are exactly what must not be there
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([^\x00-\x20\x7f]+) HTTP\/(\d)\.(\d)$/;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// oxlint-disable-next-line no-control-regex -- control characters are exactly what must be found
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#@]+)([^#]*)$/i;
const DIGITS = /^\d{1,15}$/;

const bad = (message: string): RstreamError => new RstreamError('INVALID_REQUEST', message);

/** Thrown by the parser for a version other than HTTP/1.0 and HTTP/1.1; the edge answers it with 505. */
class HttpVersionError extends RstreamError {
  constructor() {
    super('INVALID_REQUEST', 'This listener speaks HTTP/1.1.', { next: 'Send HTTP/1.1 (or 1.0) requests.' });
  }

  override get status(): number {
    return 505;
  }
}

/**
 * Parses one complete request head.
 *
 * @param text the head as latin1, from the request line up to and without the empty line
 * @param maxFields most header fields (`edgeLimits.headCount`)
 * @throws RstreamError `INVALID_REQUEST` for anything that two HTTP parsers could read differently, `HEADERS_TOO_LARGE` for too many fields
 */
export function parseHead(text: string, maxFields: number): RequestHead {
  const lines = text.split('\r\n');
  const { method, target, version } = parseRequestLine(lines[0] ?? '');
  if (lines.length - 1 > maxFields) throw new RstreamError('HEADERS_TOO_LARGE', `A request may have ${maxFields} header fields.`);
  const fields = lines.slice(1).map(parseField);
  const host = onlyHost(fields);
  const hopFields = connectionOptions(fields);
  return {
    method,
    target: originForm(method, target, host),
    version,
    fields,
    host,
    hostname: hostnameOf(host),
    body: framingOf(fields, version),
    close: hopFields.has('close') || (version === '1.0' && !hopFields.has('keep-alive')),
    upgrade: version === '1.1' && hopFields.has('upgrade') ? upgradeOf(fields) : undefined,
    hopFields,
  };
}

function parseRequestLine(line: string): { method: string; target: string; version: '1.0' | '1.1' } {
  const match = REQUEST_LINE.exec(line);
  if (match === null) throw bad('The request line is malformed.');
  const [, method = '', target = '', major = '', minor = ''] = match;
  if (major !== '1' || (minor !== '0' && minor !== '1')) throw new HttpVersionError();
  if (method === 'CONNECT') throw bad('CONNECT is not offered here.');
  if (target.includes('#')) throw bad('A request target has no fragment.');
  return { method, target, version: minor === '1' ? '1.1' : '1.0' };
}

function parseField(line: string): HeaderField {
  const colon = line.indexOf(':');
  // Also refuses folded lines (they start with a blank) and blanks between name and colon.
  const name = line.slice(0, Math.max(colon, 0));
  if (!FIELD_NAME.test(name)) throw bad('A header field is malformed.');
  const value = trimBlanks(line.slice(colon + 1));
  if (BAD_VALUE.test(value)) throw bad(`The header ${name.toLowerCase()} holds a control character.`);
  return { name, key: name.toLowerCase(), value };
}

/** Space and tab only: String.trim would also eat the no-break space, which is an ordinary byte here. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  const isBlank = (at: number): boolean => text[at] === ' ' || text[at] === '\t';
  while (start < end && isBlank(start)) start += 1;
  while (end > start && isBlank(end - 1)) end -= 1;
  return text.slice(start, end);
}

function onlyHost(fields: readonly HeaderField[]): string {
  const hosts = fields.filter((field) => field.key === 'host');
  const value = hosts[0]?.value;
  if (hosts.length !== 1 || value === undefined) throw bad('A request needs exactly one Host header.');
  if (value.length > 261 || !HOST.test(value)) throw bad('The Host header is malformed.');
  return value;
}

function hostnameOf(host: string): string {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function originForm(method: string, target: string, host: string): string {
  if (target.startsWith('/')) return target;
  if (target === '*' && method === 'OPTIONS') return target;
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null) throw bad('The request target must be a path.');
  const [, authority = '', rest = ''] = match;
  if (authority.toLowerCase() !== host.toLowerCase()) throw bad('The request target and the Host header name different hosts.');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function framingOf(fields: readonly HeaderField[], version: '1.0' | '1.1'): BodyFraming {
  const lengths = fields.filter((field) => field.key === 'content-length');
  const codings = fields.filter((field) => field.key === 'transfer-encoding');
  if (codings.length > 0) {
    if (lengths.length > 0) throw bad('Content-Length and Transfer-Encoding exclude each other.');
    if (version === '1.0') throw bad('HTTP/1.0 has no Transfer-Encoding.');
    if (codings.length > 1 || codings[0]?.value.toLowerCase() !== 'chunked') throw bad('The only transfer coding offered is "chunked".');
    return { kind: 'chunked' };
  }
  if (lengths.length === 0) return { kind: 'none' };
  const value = lengths[0]?.value ?? '';
  if (lengths.length > 1 || !DIGITS.test(value)) throw bad('Content-Length must be one decimal number.');
  const length = Number(value);
  return length === 0 ? { kind: 'none' } : { kind: 'length', length };
}

function connectionOptions(fields: readonly HeaderField[]): Set<string> {
  const options = new Set<string>();
  for (const field of fields) {
    if (field.key !== 'connection') continue;
    for (const option of field.value.split(',')) options.add(trimBlanks(option).toLowerCase());
  }
  return options;
}

/** An h2c upgrade would turn the connection into one whose requests nobody authorises, so it is read as no upgrade at all. */
function upgradeOf(fields: readonly HeaderField[]): string | undefined {
  const values = fields.filter((field) => field.key === 'upgrade').map((field) => field.value);
  const asked = values.join(', ');
  return asked === '' || /\bh2c?\b/i.test(asked) ? undefined : asked;
}
