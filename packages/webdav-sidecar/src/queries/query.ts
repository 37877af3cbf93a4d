import { fileQueries, fileQueryParameter } from '@rstream/protocol/files';
import { existing } from '../entry.ts';
import type { Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf } from '../guard.ts';
import { archive } from './archive.ts';
import { events } from './events.ts';
import { hash } from './hash.ts';
import { info } from './info.ts';
import type { Query } from './question.ts';
import { search } from './search.ts';
import { tail } from './tail.ts';
import { tree } from './tree.ts';

type Name = (typeof fileQueries)[number];
const queries: Readonly<Record<Name, (query: Query) => Promise<void>>> = { info, hash, tree, search, tail, archive, events };
const isName = (text: string): text is Name => Object.hasOwn(queries, text);

/** Parameters of a request that asks a query; undefined for plain WebDAV. */
export function queryOf(target: string): URLSearchParams | undefined {
  const at = target.indexOf('?');
  if (at === -1) return undefined;
  const parameters = new URLSearchParams(target.slice(at + 1));
  return parameters.has(fileQueryParameter) ? parameters : undefined;
}

/** Answers a query, behind the same walk and the same conditions as every method. */
export async function answerQuery(exchange: Exchange, parameters: URLSearchParams): Promise<void> {
  if (exchange.request.method !== 'GET') throw new Failure(405, 'A query is asked with GET.', { headers: { allow: 'GET' } });
  const name = parameters.get(fileQueryParameter) ?? '';
  if (!isName(name)) throw new Failure(400, `The query is none of ${fileQueries.join(', ')}.`);
  const guard = guardOf(exchange);
  await exchange.shared.root.with(exchange.address.segments, {}, async (place) => {
    const entry = existing(place);
    guard.assertHolds(place.key, entry);
    await queries[name]({ exchange, place, entry, parameters });
  });
}
