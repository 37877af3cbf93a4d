import { tokenLimits } from '@rstream/protocol/limits';

const plain = /^[\w~!$&'()*+,=:@/-]*$/;

/**
 * The path of a request target, decoded and without its query, as a path scope compares it; undefined when two servers could
 * read it differently. Browsers and HTTP clients never send such forms by themselves, so they are refused, not repaired:
 * dot segments, empty segments, encoded slashes, backslashes, control and raw non-ASCII characters, bad UTF-8, a second
 * layer of percent-encoding, and path parameters that hide one of these (`/..;/`).
 */
export function normalisedPath(target: string): string | undefined {
  const end = target.search(/[?#]/);
  const raw = end === -1 ? target : target.slice(0, end);
  if (!raw.startsWith('/') || raw.length > tokenLimits.pathCharacters.default || raw.includes('//')) return undefined;
  if (plain.test(raw)) return raw;
  // Printable ASCII only, and no encoded slash, backslash, control character or percent sign.
  if (!/^[!-~]*$/.test(raw) || /\\|%(?:2f|5c|25|[01][0-9a-f]|7f)/i.test(raw)) return undefined;
  const path = decoded(raw);
  if (path === undefined || path.split('/').some((segment) => /^(?:\.{1,2}(?:;|$)|;)/.test(segment))) return undefined;
  return path;
}

function decoded(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}
