import { parseDestination } from './address.ts';
import { assertConditions } from './conditional.ts';
import { entryAt, type Entry } from './entry.ts';
import { header, type Exchange } from './exchange.ts';
import { Failure } from './failure.ts';
import { parseIf, submittedTokens, type IfList, type IfTerm } from './if-header.ts';
import type { Touched } from './locks.ts';

/** What is known about one resource that the `If` header speaks of. */
interface Known {
  readonly key: string | undefined;
  readonly etag: string | undefined;
}

/** The conditions of one request. Cheap to check, so that a change checks them again just before it happens. */
export interface Guard {
  /** Lock tokens that the request submits. */
  readonly tokens: ReadonlySet<string>;
  /** Throws 412 when a condition on `entry`, the target of the request at `key`, does not hold. */
  assertHolds(key: string, entry: Entry | undefined): void;
  /** Throws 423 when a lock is in the way whose token is not submitted. */
  assertUnlocked(...touched: readonly Touched[]): void;
}

/** Reads the conditions of a request. Throws 400 when its `If` header is malformed. */
export function guardOf(exchange: Exchange): Guard {
  const { request, shared } = exchange;
  const text = header(request, 'if');
  const lists = text === undefined ? [] : parseIf(text);
  const tokens = submittedTokens(lists);
  return {
    tokens,
    assertHolds(key, entry) {
      assertConditions(request, entry);
      if (lists.length === 0) return;
      const target: Known = { key, etag: entry?.etag };
      if (!lists.some((list) => holds(exchange, list, target))) throw new Failure(412, 'No list of the If header holds.');
    },
    assertUnlocked(...touched) {
      for (const each of touched) shared.locks.assertAllowed(each, tokens);
    },
  };
}

function holds(exchange: Exchange, list: IfList, target: Known): boolean {
  const known = list.resource === undefined ? target : lookUp(exchange, list.resource);
  return list.terms.every((term) => matches(exchange, term, known) !== term.not);
}

function matches(exchange: Exchange, term: IfTerm, known: Known): boolean {
  if (term.kind === 'etag') return known.etag !== undefined && term.value === known.etag;
  return known.key !== undefined && exchange.shared.locks.covers(term.value, known.key);
}

/** A resource by its URL; nothing is known about one elsewhere. */
function lookUp({ request, shared }: Exchange, url: string): Known {
  try {
    const { segments } = parseDestination(url, request.headers.host, shared.prefix);
    return shared.root.peek(segments, (place) => ({ key: place.key, etag: entryAt(place)?.etag }));
  } catch (error) {
    if (error instanceof Failure) return { key: undefined, etag: undefined };
    throw error;
  }
}
