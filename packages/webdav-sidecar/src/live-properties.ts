import { statfs } from 'node:fs/promises';
import type { Entry } from './entry.ts';
import type { Shared } from './exchange.ts';
import type { Lock, LockTable } from './locks.ts';
import { keySegments, toHref } from './address.ts';
import { mediaType } from './media-type.ts';
import { propertyName } from './property-table.ts';
import { DAV, escapeXml } from './xml.ts';

/** An entry whose properties are asked for. */
export interface Subject {
  readonly entry: Entry;
  readonly key: string;
  /** Last name as the client wrote it; '' for the root. */
  readonly name: string;
}

/** Free and used bytes of the disk (RFC 4331). */
export interface Quota {
  readonly available: number;
  readonly used: number;
}

interface Asked {
  readonly shared: Shared;
  readonly quota: Quota | undefined;
}

type Live = (subject: Subject, asked: Asked) => string | undefined;

const OWNCLOUD = 'http://owncloud.org/ns';
const ifFile =
  (text: (subject: Subject) => string): Live =>
  (subject) =>
    subject.entry.kind === 'file' ? text(subject) : undefined;

const supported = ['exclusive', 'shared']
  .map((scope) => `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`)
  .join('');

/** Properties that `allprop` gives, by local name in the namespace of WebDAV. */
const common: Readonly<Record<string, Live>> = {
  resourcetype: ({ entry }) => (entry.kind === 'folder' ? '<D:collection/>' : ''),
  displayname: ({ name }) => escapeXml(name),
  getlastmodified: ({ entry }) => entry.modified.toUTCString(),
  creationdate: ({ entry }) => entry.created.toISOString(),
  getcontentlength: ifFile(({ entry }) => String(entry.size)),
  getcontenttype: ifFile(({ name }) => mediaType(name)),
  getetag: ifFile(({ entry }) => escapeXml(entry.etag)),
  lockdiscovery: ({ key }, { shared }) => locksXml(shared.locks, shared.prefix, key),
  supportedlock: () => supported,
};

const rare: Readonly<Record<string, Live>> = {
  'quota-available-bytes': ({ entry }, { quota }) => (entry.kind === 'folder' && quota !== undefined ? String(quota.available) : undefined),
  'quota-used-bytes': ({ entry }, { quota }) => (entry.kind === 'folder' && quota !== undefined ? String(quota.used) : undefined),
};

/** Names that `propname` lists. */
export const liveNames: readonly string[] = Object.keys(common);

/** Namespace and local name of a property that the sidecar itself computes. */
export function isLive(uri: string, local: string): boolean {
  return (uri === DAV && (Object.hasOwn(common, local) || Object.hasOwn(rare, local))) || (uri === OWNCLOUD && local === 'checksums');
}

/** One computed property as an element; undefined when this entry has none of that name. */
export function liveProperty(subject: Subject, asked: Asked, uri: string, local: string): string | undefined {
  if (uri === OWNCLOUD && local === 'checksums') {
    const checksum = asked.shared.checksums.get(subject.entry.etag);
    const text = checksum === undefined ? undefined : escapeXml(checksum);
    return text && `<oc:checksums xmlns:oc="${OWNCLOUD}"><oc:checksum>${text}</oc:checksum></oc:checksums>`;
  }
  if (uri !== DAV) return undefined;
  const compute = Object.hasOwn(common, local) ? common[local] : Object.hasOwn(rare, local) ? rare[local] : undefined;
  const value = compute?.(subject, asked);
  return value === undefined ? undefined : `<D:${local}>${value}</D:${local}>`;
}

/** All that `allprop` gives: the common ones and those that clients set. */
export function allProperties(subject: Subject, asked: Asked): string {
  const live = liveNames.map((local) => liveProperty(subject, asked, DAV, local) ?? '').join('');
  const set = [...asked.shared.properties.of(subject.key).values()].join('');
  return live + set;
}

/** A property that a client set, as its element. */
export function setProperty(subject: Subject, shared: Shared, uri: string, local: string): string | undefined {
  return shared.properties.of(subject.key).get(propertyName(uri, local));
}

/** The content of `lockdiscovery`. */
export function locksXml(locks: LockTable, prefix: string, key: string): string {
  return locks
    .covering(key)
    .map((lock) => lockXml(lock, locks.remaining(lock), prefix))
    .join('');
}

function lockXml(lock: Lock, remainingMs: number, prefix: string): string {
  const root = escapeXml(toHref(prefix, keySegments(lock.key), false));
  return [
    `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${lock.exclusive ? 'exclusive' : 'shared'}/></D:lockscope>`,
    `<D:depth>${lock.deep ? 'infinity' : '0'}</D:depth>${lock.owner}<D:timeout>Second-${Math.ceil(remainingMs / 1000)}</D:timeout>`,
    `<D:locktoken><D:href>${lock.token}</D:href></D:locktoken><D:lockroot><D:href>${root}</D:href></D:lockroot></D:activelock>`,
  ].join('');
}

/** Quota of the disk that holds the root. */
export async function diskQuota(path: string): Promise<Quota> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  return { available: bavail * bsize, used: (blocks - bfree) * bsize };
}
