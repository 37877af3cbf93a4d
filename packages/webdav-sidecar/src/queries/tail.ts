import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '@rstream/protocol';
import { fileTailHeaders } from '@rstream/protocol/files';
import { entryOf, openFile } from '../entry.ts';
import type { Exchange } from '../exchange.ts';
import { chunksOf } from '../file-chunks.ts';
import { mediaType } from '../media-type.ts';
import { writePatiently } from './outlet.ts';
import { flagIn, numberIn } from './parameters.ts';
import type { Query } from './question.ts';

/** `?rstream=tail`: the end of a file, and with `follow=1` whatever is added to it. */
export async function tail(query: Query): Promise<void> {
  const { exchange, parameters, place } = query;
  const follow = flagIn(parameters, 'follow');
  const bytes = numberIn(parameters, 'bytes') ?? limits.webdav.tailBytes.default;
  const { fd, entry } = openFile(place.folder, place.name);
  try {
    const start = Math.min(numberIn(parameters, 'offset') ?? Math.max(0, entry.size - bytes), entry.size);
    const headers = {
      'content-type': mediaType(exchange.address.segments.at(-1) ?? ''),
      etag: entry.etag,
      [fileTailHeaders.offset]: String(start),
      [fileTailHeaders.size]: String(entry.size),
    };
    if (follow) return await exchange.shared.slots.with('followers', () => followFile(query, { fd, start, headers }));
    exchange.response.writeHead(200, { ...headers, 'content-length': String(entry.size - start) });
    await send(exchange, fd, { start, end: entry.size - 1 });
    exchange.response.end();
  } finally {
    closeSync(fd);
  }
}

async function send(exchange: Exchange, fd: number, range: { start: number; end: number }): Promise<void> {
  for await (const chunk of chunksOf(fd, range)) await writePatiently(exchange, chunk);
}

interface Following {
  readonly fd: number;
  readonly start: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Looks at the size again and again: that works on every file system, and one look costs microseconds. */
async function followFile(query: Query, { fd: first, start, headers }: Following): Promise<void> {
  const { exchange } = query;
  const end = performance.now() + limits.webdav.followTime.default;
  let [fd, position] = [first, start];
  exchange.response.writeHead(200, headers);
  exchange.response.flushHeaders();
  try {
    while (!exchange.signal.aborted && performance.now() < end) {
      const { size } = entryOf(fd);
      if (size < position) position = 0;
      if (size > position) await send(exchange, fd, { start: position, end: size - 1 });
      position = size;
      await delay(limits.webdav.followInterval.default, undefined, { signal: exchange.signal });
      const next = reopened(query, fd);
      if (next === undefined) continue;
      const rest = entryOf(fd).size;
      if (rest > position) await send(exchange, fd, { start: position, end: rest - 1 });
      if (fd !== first) closeSync(fd);
      [fd, position] = [next, 0];
    }
    exchange.response.end();
  } finally {
    if (fd !== first) closeSync(fd);
  }
}

/** The file that has the name now, when it is another one and all of the old one was sent. */
function reopened({ exchange, place }: Query, fd: number): number | undefined {
  try {
    const next = openFile(place.folder, place.name);
    if (next.entry.inode !== entryOf(fd).inode && !exchange.signal.aborted) return next.fd;
    closeSync(next.fd);
  } catch {
    // No file has the name at the moment: the old one goes on.
  }
  return undefined;
}
