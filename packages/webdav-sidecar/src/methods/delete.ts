import { keySegments, toHref } from '../address.ts';
import { sendEmpty, sendText, statusXml, XML_HEAD, XML_TYPE } from '../answer.ts';
import { keepsNames } from '../durability.ts';
import { entryAt } from '../entry.ts';
import { depthOf, type Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf } from '../guard.ts';
import { removeTree, type NotRemoved } from '../tree-remove.ts';
import { escapeXml } from '../xml.ts';

/** DELETE: a file, a link (never what it leads to), or a folder with all below it. What could not be removed is named and stays. */
export async function remove(exchange: Exchange): Promise<void> {
  const { shared, address, request, response } = exchange;
  const guard = guardOf(exchange);
  if (address.segments.length === 0) throw new Failure(403, 'The root is not removed.');
  if (!['infinity', undefined].includes(depthOf(request))) throw new Failure(400, 'A folder is removed with all below it.');
  await shared.root.with(address.segments, { follow: false }, async (place) => {
    const entry = entryAt(place);
    guard.assertHolds(place.key, entry);
    if (entry === undefined) throw new Failure(404, 'There is no such file or folder.');
    guard.assertUnlocked({ key: place.key, tree: true, membership: true });
    const failed = await removeTree(place.folder, place.name);
    if (keepsNames(shared.durability)) await place.folder.sync();
    const [first] = failed;
    if (first === undefined) {
      shared.locks.releaseTree(place.key);
      shared.properties.remove(place.key);
      sendEmpty(response, 204);
    } else if (first.names.length === 0) throw first.failure;
    else sendText(response, 207, { type: XML_TYPE, text: failures(shared.prefix, keySegments(place.key), failed) });
  });
}

function failures(prefix: string, above: readonly string[], failed: readonly NotRemoved[]): string {
  const rows = failed.map(({ names, failure }) => {
    const href = escapeXml(toHref(prefix, [...above, ...names], false));
    return `<D:response><D:href>${href}</D:href>${statusXml(failure.status)}</D:response>`;
  });
  return `${XML_HEAD}<D:multistatus xmlns:D="DAV:">${rows.join('')}</D:multistatus>\n`;
}
