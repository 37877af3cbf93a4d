import { closeSync, constants, fstatSync, fsync, openSync, write as writeCallback } from 'node:fs';
import { promisify } from 'node:util';
import { sendEmpty } from '../answer.ts';
import { announcedBytes, readChunks } from '../body.ts';
import { keepsContent, keepsNames } from '../durability.ts';
import { entryAt, entryOf, openFile } from '../entry.ts';
import { header, type Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf } from '../guard.ts';
import type { Place } from '../root.ts';

const write = promisify(writeCallback);
const flush = promisify(fsync);

/** Type of a body that goes on with an upload. */
export const PARTIAL_UPLOAD = 'application/partial-upload';
/** Files that say by their name that they are not whole: only they grow in place. The client moves one to its name when it is. */
const UPLOAD_NAME = /^\.rstream-upload-[0-9a-f]{24}$/;
/** Files that someone appends to at this moment, by device and inode. */
const growing = new Set<string>();

/**
 * PATCH of an upload: the body goes to the end of the file, which must be at `Upload-Offset`, and what arrived before a lost connection
 * stays. At offset 0 the file is made. The answer says how much there is, and comes when it is on the disk.
 */
export async function append(exchange: Exchange): Promise<void> {
  const { request, shared, address, response } = exchange;
  if (!UPLOAD_NAME.test(address.segments.at(-1) ?? '')) throw new Failure(403, 'Only an upload under its hidden name grows in place.');
  const [offset] = /^\d{1,15}$/.exec(header(request, 'upload-offset') ?? '') ?? [];
  if (offset === undefined) throw new Failure(400, 'The Upload-Offset header is missing or malformed.');
  const room = Math.max(0, shared.maxUploadBytes - Number(offset));
  if ((announcedBytes(request) ?? 0) > room) throw new Failure(413, `The file is larger than ${shared.maxUploadBytes} bytes.`);
  const guard = guardOf(exchange);
  await shared.root.with(address.segments, { missing: 409, follow: false }, async (place) => {
    const before = entryAt(place);
    guard.assertHolds(place.key, before);
    guard.assertUnlocked({ key: place.key, membership: before === undefined });
    const fd = before === undefined ? make(place, Number(offset)) : openFile(place.folder, place.name, 'write').fd;
    try {
      place.folder.verify();
      await grow(exchange, fd, { offset: Number(offset), room });
      if (keepsContent(shared.durability)) await flush(fd);
      if (before === undefined && keepsNames(shared.durability)) await place.folder.sync();
      const after = entryOf(fd);
      sendEmpty(response, before === undefined ? 201 : 204, { 'upload-offset': String(after.size), etag: after.etag });
    } finally {
      closeSync(fd);
    }
  });
}

function make(place: Place, offset: number): number {
  if (offset !== 0) throw new Failure(404, 'There is no such upload.');
  return openSync(
    place.folder.at(place.name),
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0),
    0o666,
  );
}

async function grow(exchange: Exchange, fd: number, { offset, room }: { offset: number; room: number }): Promise<void> {
  const { dev, ino, nlink, size } = fstatSync(fd);
  const key = `${dev}:${ino}`;
  if (nlink !== 1) throw new Failure(409, 'The upload has another name too.');
  if (growing.has(key)) throw new Failure(423, 'Another request appends to this upload.');
  if (size !== offset) throw new Failure(409, 'The upload is not at this offset.', { headers: { 'upload-offset': String(size) } });
  growing.add(key);
  try {
    let position = offset;
    for await (const chunk of readChunks(exchange.request, room)) {
      for (let done = 0; done < chunk.length;) {
        const { bytesWritten } = await write(fd, chunk, done, chunk.length - done, position);
        done += bytesWritten;
        position += bytesWritten;
      }
    }
  } finally {
    growing.delete(key);
  }
}

/** True when the client asks for `append`. */
export const isAppend = (exchange: Exchange): boolean => header(exchange.request, 'content-type')?.trim().toLowerCase() === PARTIAL_UPLOAD;
