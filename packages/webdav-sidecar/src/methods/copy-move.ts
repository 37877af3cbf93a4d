import { parseDestination } from '../address.ts';
import { sendEmpty } from '../answer.ts';
import { keepsContent, keepsNames } from '../durability.ts';
import { entryAt, type Entry } from '../entry.ts';
import { depthOf, header, type Exchange } from '../exchange.ts';
import { Failure, systemCode } from '../failure.ts';
import { guardOf, type Guard } from '../guard.ts';
import { isWithin } from '../locks.ts';
import { releaseName, takeName } from '../remnants.ts';
import { replace } from '../replace.ts';
import type { Place } from '../root.ts';
import { copyTree } from '../tree-copy.ts';
import { removeTree } from '../tree-remove.ts';

interface Transfer {
  readonly exchange: Exchange;
  readonly guard: Guard;
  readonly from: Place;
  readonly to: Place;
  readonly deep: boolean;
  readonly overwrite: boolean;
}

/** COPY: the new tree is built under a hidden name and then put in place, so that no one sees half of it. */
export const copy = (exchange: Exchange): Promise<void> => transfer(exchange, 'copy');

/** MOVE: one rename where the disk allows it. A link is moved as a link. */
export const move = (exchange: Exchange): Promise<void> => transfer(exchange, 'move');

async function transfer(exchange: Exchange, how: 'copy' | 'move'): Promise<void> {
  const { shared, address, request, response } = exchange;
  const guard = guardOf(exchange);
  const destination = parseDestination(header(request, 'destination'), request.headers.host, shared.prefix);
  const depth = depthOf(request) ?? 'infinity';
  if (depth === '1' || (how === 'move' && depth === '0')) throw new Failure(400, 'This depth is not possible here.');
  if (address.segments.length === 0 || destination.segments.length === 0)
    throw new Failure(403, 'The root is neither copied nor replaced.');
  await shared.root.with(address.segments, { follow: how === 'copy' }, (from) =>
    shared.root.with(destination.segments, { follow: false, missing: 409 }, async (to) => {
      const task = { exchange, guard, from, to, deep: depth === 'infinity', overwrite: overwriteOf(request.headers['overwrite']) };
      const created = how === 'copy' ? await copyInto(task) : await moveInto(task);
      shared.properties.transfer(from.key, to.key, how);
      if (keepsNames(shared.durability)) await to.folder.sync();
      if (keepsNames(shared.durability) && how === 'move') await from.folder.sync();
      sendEmpty(response, created ? 201 : 204);
    }),
  );
}

function overwriteOf(text: string | string[] | undefined): boolean {
  if (text === undefined || text === 'T' || text === 't') return true;
  if (text === 'F' || text === 'f') return false;
  throw new Failure(400, 'The Overwrite header is malformed.');
}

/** All that may forbid the transfer, as things are now. */
function check({ guard, from, to, overwrite }: Transfer, how: 'copy' | 'move'): { source: Entry; replaced: Entry | undefined } {
  const source = entryAt(from);
  guard.assertHolds(from.key, source);
  if (source === undefined) throw new Failure(404, 'There is no such file or folder.');
  if (isWithin(to.key, from.key) || isWithin(from.key, to.key)) throw new Failure(403, 'Source and destination hold one another.');
  const replaced = entryAt(to);
  if (replaced !== undefined && !overwrite) throw new Failure(412, 'The destination exists.');
  guard.assertUnlocked({ key: to.key, tree: replaced !== undefined, membership: replaced === undefined });
  if (how === 'move') guard.assertUnlocked({ key: from.key, tree: true, membership: true });
  return { source, replaced };
}

async function copyInto(task: Transfer): Promise<boolean> {
  check(task, 'copy');
  const { exchange, from, to, deep } = task;
  const built = { folder: to.folder, name: takeName() };
  try {
    await copyTree(from, built, { deep, sync: keepsContent(exchange.shared.durability), signal: exchange.signal });
    const { source, replaced } = check(task, 'copy');
    const cleanUp = replace(built, to);
    const after = entryAt(to);
    if (after !== undefined) exchange.shared.checksums.set(after.etag, exchange.shared.checksums.get(source.etag));
    await cleanUp();
    return replaced === undefined;
  } catch (error) {
    await removeTree(built.folder, built.name);
    throw error;
  } finally {
    releaseName(built.name);
  }
}

async function moveInto(task: Transfer): Promise<boolean> {
  const { source, replaced } = check(task, 'move');
  const { exchange, from, to } = task;
  const { locks, checksums } = exchange.shared;
  let cleanUp: () => Promise<void>;
  try {
    cleanUp = replace(from, to);
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error;
    return moveAcross(task);
  }
  locks.releaseTree(from.key);
  const after = entryAt(to);
  if (after !== undefined) checksums.carry(source.etag, after.etag);
  await cleanUp();
  return replaced === undefined;
}

/** A move to another disk: a copy, and then the source goes. */
async function moveAcross(task: Transfer): Promise<boolean> {
  const { exchange, from, to } = task;
  const built = { folder: to.folder, name: takeName() };
  try {
    await copyTree(from, built, { deep: true, sync: true, keepTimes: true, signal: exchange.signal });
    const { replaced } = check(task, 'move');
    await replace(built, to)();
    const [kept] = await removeTree(from.folder, from.name);
    if (kept !== undefined) throw kept.failure;
    exchange.shared.locks.releaseTree(from.key);
    return replaced === undefined;
  } catch (error) {
    await removeTree(built.folder, built.name);
    throw error;
  } finally {
    releaseName(built.name);
  }
}
