import { closeSync, constants, openSync } from 'node:fs';
import { limits } from '@rstream/protocol';
import { sendEmpty, sendText, XML_HEAD, XML_TYPE } from '../answer.ts';
import { readBody } from '../body.ts';
import { keepsNames } from '../durability.ts';
import { entryAt, served } from '../entry.ts';
import { depthOf, header, type Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf, type Guard } from '../guard.ts';
import { locksXml } from '../live-properties.ts';
import type { Lock } from '../locks.ts';
import type { Place } from '../root.ts';
import { elementsOf, isDav, parseXml, writeElement } from '../xml.ts';

/** LOCK: takes a lock, on a name without an entry by making an empty file; without a body, starts the life of a lock again. */
export async function lock(exchange: Exchange): Promise<void> {
  const { request, shared, address } = exchange;
  const guard = guardOf(exchange);
  const depth = depthOf(request) ?? 'infinity';
  if (depth === '1') throw new Failure(400, 'A lock has Depth 0 or infinity.');
  const body = await readBody(request, limits.webdav.xmlBytes.default);
  await shared.root.with(address.segments, { missing: 409 }, async (place) => {
    if (body.length === 0) return refresh(exchange, guard, place);
    const wanted = parseLockInfo(body);
    const entry = entryAt(place);
    guard.assertHolds(place.key, entry);
    if (entry !== undefined) served(entry);
    else guard.assertUnlocked({ key: place.key, membership: true });
    const taken = shared.locks.take({ ...wanted, key: place.key, deep: depth === 'infinity', timeoutMs: timeoutOf(exchange) });
    if (entry === undefined) await makeEmpty(exchange, place, taken);
    answer(exchange, taken, entry === undefined ? 201 : 200);
  });
}

/** UNLOCK by the `Lock-Token` header; its angle brackets may be missing, as some clients leave them out. */
export async function unlock(exchange: Exchange): Promise<void> {
  const { request, response, shared, address } = exchange;
  const guard = guardOf(exchange);
  const token = /^<?([^<>\s]+)>?$/.exec(header(request, 'lock-token')?.trim() ?? '')?.[1];
  if (token === undefined) throw new Failure(400, 'The Lock-Token header is missing or malformed.');
  await shared.root.with(address.segments, {}, (place) => {
    guard.assertHolds(place.key, entryAt(place));
    if (!shared.locks.covers(token, place.key))
      throw new Failure(409, 'The token holds no lock here.', { condition: 'lock-token-matches-request-uri' });
    shared.locks.release(token);
    sendEmpty(response, 204);
  });
}

function refresh(exchange: Exchange, guard: Guard, place: Place): void {
  guard.assertHolds(place.key, entryAt(place));
  for (const token of guard.tokens) {
    const refreshed = exchange.shared.locks.refresh(token, place.key, timeoutOf(exchange));
    if (refreshed !== undefined) return answer(exchange, refreshed, 200);
  }
  throw new Failure(guard.tokens.size === 0 ? 400 : 412, 'A refresh names a lock of the resource in the If header.');
}

async function makeEmpty({ shared }: Exchange, place: Place, taken: Lock): Promise<void> {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    closeSync(openSync(place.folder.at(place.name), flags, 0o666));
    place.folder.verify();
  } catch (error) {
    shared.locks.release(taken.token);
    throw error;
  }
  if (keepsNames(shared.durability)) await place.folder.sync();
}

function answer({ response, shared }: Exchange, held: Lock, status: number): void {
  const text = `${XML_HEAD}<D:prop xmlns:D="DAV:"><D:lockdiscovery>${locksXml(shared.locks, shared.prefix, held.key)}</D:lockdiscovery></D:prop>\n`;
  sendText(response, status, { type: XML_TYPE, text, headers: { 'lock-token': `<${held.token}>` } });
}

/** The first `Timeout` that can be read, within the limit. */
function timeoutOf({ request }: Exchange): number {
  const longest = limits.webdav.lockTimeout.default;
  const seconds = /(?:^|,)\s*Second-(\d{1,10})/i.exec(header(request, 'timeout') ?? '')?.[1];
  return seconds === undefined ? longest : Math.min(longest, Math.max(1, Number(seconds)) * 1000);
}

function parseLockInfo(body: Buffer): { exclusive: boolean; owner: string } {
  const root = parseXml(body);
  const [scope] = elementsOf(root, 'lockscope');
  const [type] = elementsOf(root, 'locktype');
  const exclusive = scope !== undefined && elementsOf(scope, 'exclusive').length > 0;
  const shared = scope !== undefined && elementsOf(scope, 'shared').length > 0;
  if (!isDav(root, 'lockinfo') || exclusive === shared || type === undefined || elementsOf(type, 'write').length === 0)
    throw new Failure(400, 'The body is no lockinfo element for a write lock.');
  const [owner] = elementsOf(root, 'owner');
  const text = owner === undefined ? '' : writeElement(owner);
  if (text.length > limits.webdav.lockOwnerBytes.default) throw new Failure(400, 'The owner of the lock is described at too great length.');
  return { exclusive, owner: text };
}
