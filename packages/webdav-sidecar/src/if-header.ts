import { limits } from '@rstream/protocol';
import { Failure } from './failure.ts';

/** One condition of a list: a state token or an entity tag, possibly negated. */
export interface IfTerm {
  readonly not: boolean;
  readonly kind: 'token' | 'etag';
  readonly value: string;
}

/** A list of conditions that hold together, about `resource` (a URL) or the target of the request. */
export interface IfList {
  readonly resource: string | undefined;
  readonly terms: readonly IfTerm[];
}

const resourceTag = /\s*<([^<>\s]+)>\s*(?=\()/y;
const list = /\s*\(((?:[^()"]|"[^"]*")*)\)\s*/y;
const term = /\s*(Not\s*)?(?:<([^<>\s]+)>|\[\s*((?:W\/)?"[^"]*")\s*\])\s*/iy;

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text) ?? undefined;
}

const malformed = (): Failure => new Failure(400, 'The If header is malformed.');

function parseTerms(text: string): IfTerm[] {
  const terms: IfTerm[] = [];
  let position = 0;
  while (position < text.length) {
    const match = matchAt(term, text, position);
    if (match === undefined) throw malformed();
    const [whole, not, token, etag] = match;
    terms.push({ not: not !== undefined, kind: token === undefined ? 'etag' : 'token', value: token ?? etag ?? '' });
    position += whole.length;
  }
  if (terms.length === 0) throw malformed();
  return terms;
}

/** Parses an `If` header (RFC 4918 §10.4). A tag holds for the lists behind it, until the next tag. Throws 400. */
export function parseIf(header: string): IfList[] {
  const lists: IfList[] = [];
  let resource: string | undefined;
  let position = 0;
  while (position < header.length) {
    const tag = matchAt(resourceTag, header, position);
    if (tag !== undefined) {
      // Tagged and untagged lists do not mix.
      if (resource === undefined && lists.length > 0) throw malformed();
      resource = tag[1];
      position += tag[0].length;
    }
    const match = matchAt(list, header, position);
    if (match === undefined || lists.length >= limits.webdav.ifLists.default) throw malformed();
    lists.push({ resource, terms: parseTerms(match[1] ?? '') });
    position += match[0].length;
  }
  if (lists.length === 0) throw malformed();
  return lists;
}

/** Every token that the header submits, whether its list holds or not. */
export function submittedTokens(lists: readonly IfList[]): Set<string> {
  return new Set(lists.flatMap(({ terms }) => terms.filter(({ kind, not }) => kind === 'token' && !not).map(({ value }) => value)));
}
