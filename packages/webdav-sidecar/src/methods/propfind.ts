import { opendir } from 'node:fs/promises';
import { limits } from '@rstream/protocol';
import { REMNANT_NAME, toHref } from '../address.ts';
import { statusXml, XML_HEAD, XML_TYPE } from '../answer.ts';
import { readBody, writeOut } from '../body.ts';
import { existing, type Entry } from '../entry.ts';
import { depthOf, header, type Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import type { Folder } from '../folder.ts';
import { guardOf } from '../guard.ts';
import { allProperties, diskQuota, isLive, liveNames, liveProperty, setProperty, type Quota, type Subject } from '../live-properties.ts';
import type { Place } from '../root.ts';
import { shown } from '../shown.ts';
import { Turn } from '../turn.ts';
import { DAV, elementsOf, escapeXml, isDav, parseXml, type XmlElement } from '../xml.ts';

interface Name {
  readonly uri: string;
  readonly local: string;
}
type Query =
  | { readonly kind: 'all'; readonly include: readonly Name[] }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly names: readonly Name[] };

interface Listing {
  readonly exchange: Exchange;
  readonly query: Query;
  readonly quota: Quota | undefined;
  /** `Prefer: return=minimal` (RFC 8144): say nothing about properties that an entry does not have. */
  readonly minimal: boolean;
}

const quotaNames: readonly Name[] = ['quota-available-bytes', 'quota-used-bytes'].map((local) => ({ uri: DAV, local }));
/** Names read from the folder at once, and characters written at once. */
const BATCH_ENTRIES = 128;
const WRITE_CHARACTERS = 65_536;

/** PROPFIND of an entry, or of a folder and the entries in it, streamed. */
export async function propfind(exchange: Exchange): Promise<void> {
  const { request, response, shared, address } = exchange;
  const guard = guardOf(exchange);
  const depth = depthOf(request) ?? 'infinity';
  const body = await readBody(request, limits.webdav.xmlBytes.default);
  // Clients that ask nothing of one folder (npm webdav) look for its quota in the answer.
  const query: Query = body.length === 0 ? { kind: 'all', include: depth === '0' ? quotaNames : [] } : parseQuery(body);
  await shared.root.with(address.segments, {}, async (place) => {
    const entry = existing(place);
    guard.assertHolds(place.key, entry);
    if (depth === 'infinity' && entry.kind === 'folder')
      throw new Failure(403, 'A folder is listed with Depth 0 or 1.', { condition: 'propfind-finite-depth' });
    const asked = query.kind === 'some' ? query.names : query.kind === 'all' ? query.include : [];
    const wantsQuota = asked.some(({ local }) => local.startsWith('quota-'));
    const quota = wantsQuota ? await diskQuota(place.folder.at('.')) : undefined;
    const minimal = /(^|,)\s*return=minimal/i.test(header(request, 'prefer') ?? '');
    const listing: Listing = { exchange, query, quota, minimal };
    const folder = entry.kind === 'folder' && depth === '1' ? openListed(place) : undefined;
    try {
      response.writeHead(207, { 'content-type': XML_TYPE });
      const head = `${XML_HEAD}<D:multistatus xmlns:D="DAV:">${describe(listing, address.segments, { entry, key: place.key })}`;
      await writeOut(response, head);
      if (folder !== undefined) await listEntries(listing, folder, place.key);
      response.end('</D:multistatus>\n');
    } finally {
      folder?.close();
    }
  });
}

/** Opens the folder to be listed; the answer has not begun, so a refusal is still an answer. */
function openListed(place: Place): Folder {
  return place.folder.enter(place.name);
}

async function listEntries(listing: Listing, folder: Folder, key: string): Promise<void> {
  const { exchange } = listing;
  const { segments } = exchange.address;
  const turn = new Turn();
  let text = '';
  let seen = 0;
  for await (const { name } of await opendir(folder.at('.'), { bufferSize: BATCH_ENTRIES })) {
    if (REMNANT_NAME.test(name)) continue;
    seen += 1;
    if (seen > limits.webdav.listingEntries.default) {
      text += `<D:response><D:href>${escapeXml(toHref(exchange.shared.prefix, segments, true))}</D:href>${statusXml(507)}</D:response>`;
      break;
    }
    const found = shown(exchange.shared, folder, { name, key: key === '' ? name : `${key}/${name}` });
    if (found !== undefined) text += describe(listing, [...segments, name], found);
    if (text.length > WRITE_CHARACTERS) {
      await writeOut(exchange.response, text);
      text = '';
    }
    if (!turn.isOver) continue;
    await turn.next();
    if (exchange.signal.aborted) throw new Failure(400, 'The client is gone.');
  }
  if (text !== '') await writeOut(exchange.response, text);
}

function describe(listing: Listing, segments: readonly string[], found: { entry: Entry; key: string }): string {
  const { shared } = listing.exchange;
  const href = escapeXml(toHref(shared.prefix, segments, found.entry.kind === 'folder'));
  const subject: Subject = { ...found, name: segments.at(-1) ?? '' };
  return `<D:response><D:href>${href}</D:href>${propstats(listing, subject)}</D:response>`;
}

const propstat = (status: number, properties: string): string =>
  `<D:propstat><D:prop>${properties}</D:prop>${statusXml(status)}</D:propstat>`;

function propstats(listing: Listing, subject: Subject): string {
  const { query, exchange, quota, minimal } = listing;
  const asked = { shared: exchange.shared, quota };
  const find = ({ uri, local }: Name): string | undefined =>
    isLive(uri, local) ? liveProperty(subject, asked, uri, local) : setProperty(subject, exchange.shared, uri, local);
  if (query.kind === 'names') return propstat(200, namesOf(subject, asked));
  if (query.kind === 'all') return propstat(200, allProperties(subject, asked) + query.include.map((name) => find(name) ?? '').join(''));
  let found = '';
  let missing = '';
  for (const name of query.names) {
    const property = find(name);
    if (property === undefined) missing += emptyElement(name);
    else found += property;
  }
  const some = found === '' && missing !== '' && !minimal ? '' : propstat(200, found);
  return missing === '' || minimal ? some : some + propstat(404, missing);
}

function namesOf(subject: Subject, asked: { shared: Exchange['shared']; quota: Quota | undefined }): string {
  const live = liveNames.filter((local) => liveProperty(subject, asked, DAV, local) !== undefined).map((local) => `<D:${local}/>`);
  const set = [...asked.shared.properties.of(subject.key).keys()].map((name) => {
    const [uri = '', local = ''] = name.split(' ');
    return emptyElement({ uri, local });
  });
  return live.concat(set).join('');
}

function emptyElement({ uri, local }: Name): string {
  if (uri === DAV) return `<D:${local}/>`;
  return uri === '' ? `<${local} xmlns=""/>` : `<x:${local} xmlns:x="${escapeXml(uri)}"/>`;
}

const nameOf = ({ uri, local }: XmlElement): Name => ({ uri, local });

function parseQuery(body: Buffer): Query {
  const root = parseXml(body);
  if (!isDav(root, 'propfind')) throw new Failure(400, 'The body is no propfind element.');
  const [prop] = elementsOf(root, 'prop');
  if (prop !== undefined) return { kind: 'some', names: elementsOf(prop).map(nameOf) };
  if (elementsOf(root, 'propname').length > 0) return { kind: 'names' };
  if (elementsOf(root, 'allprop').length === 0) throw new Failure(400, 'The propfind element asks for nothing.');
  return { kind: 'all', include: elementsOf(root, 'include').flatMap((include) => elementsOf(include).map(nameOf)) };
}
