import { limits } from '@rstream/protocol';
import { Failure } from './failure.ts';

/** A path below the root as a client names it. */
export interface Address {
  /** Decoded names; none is empty, `.` or `..`, and none holds a separator or NUL. */
  readonly segments: readonly string[];
  /** True when the path ended with a slash. */
  readonly trailingSlash: boolean;
}

/** Names of parts of uploads that are under way. Clients neither see nor reach them. */
export const REMNANT_NAME = /^\.rstream-part-/;

const separators = process.platform === 'win32' ? /[/\\:\0]/ : /[/\0]/;
const reservedOnWindows = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|[. ]$/i;

function decodeSegment(text: string): string {
  let name: string;
  try {
    name = decodeURIComponent(text);
  } catch {
    throw new Failure(400, 'The path is not percent-encoded UTF-8.');
  }
  if (name === '' || name === '.' || name === '..' || separators.test(name))
    throw new Failure(400, 'The path holds a name that is not allowed.');
  if (process.platform === 'win32' && reservedOnWindows.test(name)) throw new Failure(403, 'The system reserves this name.');
  if (REMNANT_NAME.test(name)) throw new Failure(403, 'The sidecar reserves this name.');
  return name;
}

/** Path of a request target: origin form, or absolute form without its authority. */
function pathOf(target: string): string {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(target)?.[0];
  const rest = absolute === undefined ? target : target.slice(absolute.length) || '/';
  const query = rest.indexOf('?');
  return query === -1 ? rest : rest.slice(0, query);
}

/** Parses a request target below `prefix` (such as `/fs`). Throws 400 for what is no clean path and 404 outside the prefix. */
export function parseAddress(target: string, prefix: string): Address {
  const path = pathOf(target);
  if (!path.startsWith('/') || path.includes('#')) throw new Failure(400, 'The path is malformed.');
  if (path !== prefix && !path.startsWith(`${prefix}/`)) throw new Failure(404, 'There is nothing outside the prefix of the sidecar.');
  const below = path.slice(prefix.length + 1);
  if (below === '') return { segments: [], trailingSlash: true };
  const trailingSlash = below.endsWith('/');
  const parts = (trailingSlash ? below.slice(0, -1) : below).split('/');
  if (parts.length > limits.webdav.pathSegments.default) throw new Failure(414, 'The path has too many names.');
  return { segments: parts.map(decodeSegment), trailingSlash };
}

/** Parses a `Destination` header: a path, or a URL whose authority is the host of the request. Another host is 502, as RFC 4918 §9.8.5 says. */
export function parseDestination(header: string | undefined, host: string | undefined, prefix: string): Address {
  if (header === undefined || header === '') throw new Failure(400, 'The Destination header is missing.');
  if (header.startsWith('/') && !header.startsWith('//')) return below(header, prefix);
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(header) ?? [];
  if (scheme === undefined || authority === undefined) throw new Failure(400, 'The Destination header is malformed.');
  if (!/^https?$/i.test(scheme) || authority.toLowerCase() !== (host ?? '').toLowerCase())
    throw new Failure(502, 'The destination is on another server.');
  return below(header, prefix);
}

/** What is outside the prefix is served by someone else, if at all. */
function below(target: string, prefix: string): Address {
  try {
    return parseAddress(target, prefix);
  } catch (error) {
    if (error instanceof Failure && error.status === 404) throw new Failure(502, 'The destination is outside the sidecar.');
    throw error;
  }
}

/** The path of an entry in answers: percent-encoded, a folder with a slash at its end. */
export function toHref(prefix: string, segments: readonly string[], folder: boolean): string {
  const path = [prefix, ...segments.map(encodeURIComponent)].join('/');
  return folder ? `${path}/` : path;
}

/** Names of a key (see `Place.key`). */
export const keySegments = (key: string): string[] => (key === '' ? [] : key.split('/'));
