import { closeSync } from 'node:fs';
import { sendEmpty } from '../answer.ts';
import { announcedBytes } from '../body.ts';
import { keepsNames } from '../durability.ts';
import { entryAt, openFile, served, type Entry } from '../entry.ts';
import { header, type Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf } from '../guard.ts';
import { discardFile, releaseName } from '../remnants.ts';
import { replace } from '../replace.ts';
import type { Place } from '../root.ts';
import { clientTime, receive, type Span } from '../upload.ts';
import { append, isAppend } from './append.ts';

type SpanOf = (before: Entry | undefined) => Span | undefined;

/** PUT: the whole file, or with `Content-Range` the part that it names. */
export async function put(exchange: Exchange): Promise<void> {
  if (exchange.address.segments.length === 0 || exchange.address.trailingSlash) throw new Failure(405, 'A folder is made with MKCOL.');
  const range = header(exchange.request, 'content-range');
  await store(exchange, (before) => (range === undefined ? undefined : contentSpan(range, before?.size ?? 0)));
}

/** PATCH with `X-Update-Range`, as sabre/dav defines it: bytes written into an existing file, or at its end. */
export async function patch(exchange: Exchange): Promise<void> {
  if (isAppend(exchange)) return append(exchange);
  const { request } = exchange;
  if (header(request, 'content-type')?.trim().toLowerCase() !== 'application/x-sabredav-partialupdate')
    throw new Failure(415, 'A PATCH has the type application/x-sabredav-partialupdate.');
  const length = announcedBytes(request);
  if (length === undefined) throw new Failure(411, 'A PATCH announces its length.');
  await store(exchange, (before) => {
    if (before === undefined) throw new Failure(404, 'There is no such file.');
    return updateSpan(header(request, 'x-update-range') ?? '', length, before.size);
  });
}

async function store(exchange: Exchange, spanOf: SpanOf): Promise<void> {
  const { shared, address, response } = exchange;
  const guard = guardOf(exchange);
  await shared.root.with(address.segments, { missing: 409 }, async (place) => {
    const check = (): Entry | undefined => {
      const entry = replaceable(place);
      guard.assertHolds(place.key, entry);
      guard.assertUnlocked({ key: place.key, membership: entry === undefined });
      return entry;
    };
    const before = check();
    const span = spanOf(before);
    const part = await receive(exchange, place, before, span);
    let created: boolean;
    let after: Entry | undefined;
    try {
      const now = check();
      if (span !== undefined && now?.etag !== before?.etag) throw new Failure(409, 'The file changed meanwhile.');
      created = now === undefined;
      const cleanUp = replace({ folder: place.folder, name: part.name }, place);
      // In the same turn: later it may be the tag of what someone else wrote.
      after = entryAt(place);
      await cleanUp();
      releaseName(part.name);
    } catch (error) {
      discardFile(place.folder, part.name);
      throw error;
    }
    if (after !== undefined) shared.checksums.set(after.etag, part.checksum);
    if (keepsNames(shared.durability)) await place.folder.sync();
    sendEmpty(response, created ? 201 : 204, {
      ...(after === undefined ? {} : { etag: after.etag, 'last-modified': after.modified.toUTCString() }),
      ...(clientTime(exchange) === undefined ? {} : { 'x-oc-mtime': 'accepted' }),
    });
  });
}

/** The file that would be replaced. A rename would also replace one that may not be written, so that is asked first. */
function replaceable(place: Place): Entry | undefined {
  const entry = entryAt(place);
  if (entry === undefined) return undefined;
  if (served(entry).kind === 'folder') throw new Failure(405, 'This is a folder.');
  closeSync(openFile(place.folder, place.name, 'write').fd);
  return entry;
}

const beyond = (size: number): Failure =>
  new Failure(416, 'The range begins behind the end of the file.', { headers: { 'content-range': `bytes */${size}` } });

function contentSpan(text: string, size: number): Span {
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text.trim()) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === undefined || end < start || (total !== '*' && Number(total) <= end))
    throw new Failure(400, 'The Content-Range header is malformed.');
  if (start > size) throw beyond(size);
  const complete = total !== '*' && Number(total) === end + 1;
  return { start, length: end - start + 1, ...(complete ? { total: Number(total) } : {}) };
}

function updateSpan(text: string, length: number, size: number): Span {
  if (text === 'append') return { start: size, length };
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text) ?? [];
  if (first === '' && last === '') throw new Failure(400, 'The X-Update-Range header is malformed.');
  if (first === '') return { start: Math.max(0, size - Number(last)), length };
  const start = Number(first);
  if (start > size || (last !== '' && Number(last) - start + 1 !== length)) throw beyond(size);
  return { start, length };
}
