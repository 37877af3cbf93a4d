import { RstreamError } from '@rstream/protocol';
import { tokenQueryParameter } from '@rstream/protocol/wire';
import type { HeaderField, RequestHead } from './head.ts';

/** A request with the relay's own credential taken out, and the credential. */
export interface ClearedRequest {
  readonly target: string;
  readonly fields: readonly HeaderField[];
  readonly token: string | undefined;
  readonly source: 'authorization' | 'query' | 'cookie' | undefined;
}

/** RFC 6750 b64token: also exactly what may stand in a cookie and in a query without encoding. */
const TOKEN = /^[A-Za-z0-9\-._~+/]{1,8192}=*$/;
const BEARER = /^bearer[ \t]+(.*)$/i;

/**
 * Finds the credential of a request and removes every trace of it: the Authorization header, the query parameter, the cookie, and the
 * parameter inside a Referer.
 *
 * @param gated true for a `token_auth` tunnel. Elsewhere an Authorization header belongs to the service and stays.
 * @throws RstreamError `INVALID_REQUEST` for more than one proof, `UNAUTHORIZED` for one that cannot be a token
 */
export function clearCredential(head: RequestHead, gated: boolean): ClearedRequest {
  const query = takeFromQuery(head.target);
  const cookies: string[] = [];
  const bearers: string[] = [];
  const fields: HeaderField[] = [];
  for (const field of head.fields) {
    const kept = gated && field.key === 'authorization' ? takeBearer(field, bearers) : clearField(field, cookies);
    if (kept !== undefined) fields.push(kept);
  }
  if (!gated) return { target: query.target, fields, token: undefined, source: undefined };
  return { target: query.target, fields, ...choose(bearers, query.tokens, cookies) };
}

/** True when a token can be a token at all; keeps quotes, blanks and control characters out of every header we write. */
function isToken(value: string): boolean {
  return TOKEN.test(value);
}

function choose(bearers: string[], queries: string[], cookies: string[]): Pick<ClearedRequest, 'token' | 'source'> {
  const several =
    bearers.length > 1 || queries.length > 1 || cookies.length > 1 || (bearers.length > 0 && queries.length + cookies.length > 0);
  if (several) throw new RstreamError('INVALID_REQUEST', 'The request carries more than one credential.', { next: 'Send the token once.' });
  // A fresh link replaces the cookie of an older one.
  const [token, source] =
    bearers[0] !== undefined
      ? ([bearers[0], 'authorization'] as const)
      : queries[0] !== undefined
        ? ([queries[0], 'query'] as const)
        : ([cookies[0], 'cookie'] as const);
  if (token === undefined) return { token: undefined, source: undefined };
  if (!isToken(token)) throw new RstreamError('UNAUTHORIZED', 'The token is malformed.');
  return { token, source };
}

function takeBearer(field: HeaderField, bearers: string[]): HeaderField | undefined {
  const match = BEARER.exec(field.value);
  if (match === null) return field;
  bearers.push((match[1] ?? '').trim());
  return undefined;
}

function clearField(field: HeaderField, cookies: string[]): HeaderField | undefined {
  if (field.key === 'cookie') return takeFromCookie(field, cookies);
  if (field.key === 'referer') return { ...field, value: takeFromQuery(field.value).target };
  return field;
}

function takeFromCookie(field: HeaderField, cookies: string[]): HeaderField | undefined {
  if (!field.value.includes(tokenQueryParameter)) return field;
  const kept = field.value.split(';').filter((part) => {
    const [name = '', ...value] = part.split('=');
    if (name.trim() !== tokenQueryParameter) return true;
    cookies.push(value.join('=').trim());
    return false;
  });
  const value = kept.join(';').trim();
  return value === '' ? undefined : { ...field, value };
}

function takeFromQuery(target: string): { target: string; tokens: string[] } {
  const mark = target.indexOf('?');
  if (mark === -1) return { target, tokens: [] };
  const [query, fragment] = splitOnce(target.slice(mark + 1), '#');
  const tokens: string[] = [];
  const kept = query.split('&').filter((pair) => {
    const [name, value = ''] = splitOnce(pair, '=');
    if (decoded(name) !== tokenQueryParameter) return true;
    tokens.push(decoded(value));
    return false;
  });
  if (tokens.length === 0) return { target, tokens };
  const rest = kept.length === 0 ? '' : `?${kept.join('&')}`;
  return { target: `${target.slice(0, mark)}${rest}${fragment === undefined ? '' : `#${fragment}`}`, tokens };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
