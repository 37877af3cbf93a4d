import { closeSync, constants, fchmodSync, fsync, ftruncateSync, futimesSync, openSync, write as writeCallback } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { readChunks } from './body.ts';
import { PromisedDigests } from './checksums.ts';
import { keepsContent } from './durability.ts';
import type { Entry } from './entry.ts';
import { header, type Exchange } from './exchange.ts';
import { Failure } from './failure.ts';
import type { Place } from './root.ts';
import { discardFile, takeName } from './remnants.ts';
import { copyRegular } from './tree-copy.ts';

const write = promisify(writeCallback);
const flush = promisify(fsync);

/** Where the bytes of an upload go. */
export interface Span {
  /** First byte in the file; all before it is kept. */
  readonly start: number;
  /** Bytes that the body must have, when that is known. */
  readonly length?: number;
  /** Size of the file afterwards, when that is known. */
  readonly total?: number;
}

/** A complete upload under a hidden name beside its target. */
export interface Part {
  readonly name: string;
  readonly checksum: string | undefined;
}

/**
 * Receives the body of a request into a hidden file beside `place`: nothing is seen of it before `replace` puts it there, and nothing is
 * left of it when it fails. With `span`, the present content is taken over first and the body is written into it.
 */
export async function receive(exchange: Exchange, place: Place, before: Entry | undefined, span?: Span): Promise<Part> {
  const name = takeName();
  try {
    if (span !== undefined && before !== undefined) await copyRegular(place, { folder: place.folder, name }, { sync: false });
    const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
    const fd = openSync(place.folder.at(name), span !== undefined && before !== undefined ? flags : flags | constants.O_EXCL, 0o666);
    try {
      place.folder.verify();
      const checksum = await fill(exchange, fd, span);
      if (before !== undefined) fchmodSync(fd, before.mode);
      const time = clientTime(exchange);
      if (time !== undefined) futimesSync(fd, time, time);
      if (keepsContent(exchange.shared.durability)) await flush(fd);
      return { name, checksum };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    discardFile(place.folder, name);
    throw error;
  }
}

async function fill({ request, shared }: Exchange, fd: number, span: Span | undefined): Promise<string | undefined> {
  const digests = new PromisedDigests(request.headers);
  const start = span?.start ?? 0;
  let position = start;
  // From a socket of the system a chunk is ours alone; what else carries a request may hold on to it.
  const isOurs = request.socket instanceof Socket;
  for await (const chunk of readChunks(request, Math.max(0, shared.maxUploadBytes - start))) {
    digests.update(chunk);
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await write(fd, chunk, done, chunk.length - done, position);
      done += bytesWritten;
      position += bytesWritten;
    }
    if (isOurs) freeAtOnce(chunk);
  }
  if (span?.length !== undefined && position - start !== span.length) throw new Failure(400, 'The body is not as long as its range.');
  if (span?.total !== undefined) ftruncateSync(fd, span.total);
  const checksum = digests.verify();
  return span === undefined ? checksum : undefined;
}

/** Gives memory back that the collector would leave for later: it counts what it sees, and sees little of a chunk. */
function freeAtOnce({ buffer, length }: Buffer): void {
  if (buffer.byteLength === length && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** Modification time that ownCloud clients ask for, in seconds since 1970. */
export function clientTime({ request }: Pick<Exchange, 'request'>): number | undefined {
  const text = header(request, 'x-oc-mtime') ?? '';
  return /^\d{1,11}(\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}
