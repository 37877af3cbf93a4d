import { mkdirSync } from 'node:fs';
import { sendEmpty } from '../answer.ts';
import { hasBody } from '../body.ts';
import { keepsNames } from '../durability.ts';
import { entryAt } from '../entry.ts';
import type { Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf } from '../guard.ts';

/** MKCOL: a new, empty folder. */
export async function mkcol(exchange: Exchange): Promise<void> {
  const { shared, address, request, response } = exchange;
  if (hasBody(request)) throw new Failure(415, 'A folder is made without a body.');
  const guard = guardOf(exchange);
  await shared.root.with(address.segments, { missing: 409, follow: false }, async (place) => {
    const entry = entryAt(place);
    guard.assertHolds(place.key, entry);
    if (entry !== undefined)
      throw new Failure(405, 'There is an entry of this name.', { headers: { allow: 'OPTIONS, GET, HEAD, PROPFIND, DELETE' } });
    guard.assertUnlocked({ key: place.key, membership: true });
    mkdirSync(place.folder.at(place.name));
    place.folder.verify();
    if (keepsNames(shared.durability)) await place.folder.sync();
    sendEmpty(response, 201);
  });
}
