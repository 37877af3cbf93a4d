import { closeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { sendEmpty } from '../answer.ts';
import { writeOut } from '../body.ts';
import { checkConditions, rangeAllowed } from '../conditional.ts';
import { existing, openFile, type Entry } from '../entry.ts';
import { header, type Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf } from '../guard.ts';
import { mediaType } from '../media-type.ts';
import { parseRanges, type ByteRange } from '../range.ts';
import { sendBytes } from '../send-bytes.ts';

/** GET and HEAD of a file. */
export async function get(exchange: Exchange): Promise<void> {
  const { shared, address } = exchange;
  const guard = guardOf(exchange);
  await shared.root.with(address.segments, {}, async (place) => {
    if (existing(place).kind === 'folder')
      throw new Failure(405, 'A folder has no content; list it with PROPFIND.', { headers: { allow: 'OPTIONS, PROPFIND' } });
    const { fd, entry } = openFile(place.folder, place.name);
    try {
      guard.assertHolds(place.key, entry);
      await send(exchange, fd, entry);
    } finally {
      closeSync(fd);
    }
  });
}

async function send(exchange: Exchange, fd: number, entry: Entry): Promise<void> {
  const { request, response, shared, address } = exchange;
  const checksum = shared.checksums.get(entry.etag)?.split(' ')[0];
  const common = {
    etag: entry.etag,
    'last-modified': entry.modified.toUTCString(),
    'accept-ranges': 'bytes',
    ...(checksum === undefined ? {} : { 'oc-checksum': checksum }),
  };
  if (checkConditions(request, entry) === 'not-modified') return sendEmpty(response, 304, common);
  const type = mediaType(address.segments.at(-1) ?? '');
  const ranges = request.method === 'GET' && rangeAllowed(request, entry) ? parseRanges(header(request, 'range'), entry.size) : undefined;
  if (ranges === undefined) {
    response.writeHead(200, { ...common, 'content-type': type, 'content-length': String(entry.size) });
    if (request.method === 'GET' && entry.size > 0) await sendBytes(response, fd, { start: 0, end: entry.size - 1 });
    response.end();
    return;
  }
  const [only, second] = ranges;
  if (only === undefined)
    throw new Failure(416, 'No part of the range is in the file.', { headers: { 'content-range': `bytes */${entry.size}` } });
  if (second !== undefined) return sendParts(exchange, fd, { ranges, entry, type, common });
  const length = String(only.end - only.start + 1);
  response.writeHead(206, { ...common, 'content-type': type, 'content-length': length, 'content-range': contentRange(only, entry.size) });
  await sendBytes(response, fd, only);
  response.end();
}

const contentRange = ({ start, end }: ByteRange, size: number): string => `bytes ${start}-${end}/${size}`;

interface Parts {
  readonly ranges: readonly ByteRange[];
  readonly entry: Entry;
  readonly type: string;
  readonly common: Readonly<Record<string, string>>;
}

/** Several ranges as `multipart/byteranges`. */
async function sendParts(exchange: Exchange, fd: number, { ranges, entry, type, common }: Parts): Promise<void> {
  const { response } = exchange;
  const boundary = randomBytes(16).toString('hex');
  const heads = ranges.map(
    (range) => `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, entry.size)}\r\n\r\n`,
  );
  const tail = `\r\n--${boundary}--\r\n`;
  const length = ranges.reduce((sum, { start, end }, index) => sum + (heads[index]?.length ?? 0) + end - start + 1, tail.length);
  response.writeHead(206, { ...common, 'content-type': `multipart/byteranges; boundary=${boundary}`, 'content-length': String(length) });
  for (const [index, range] of ranges.entries()) {
    await writeOut(response, heads[index] ?? '');
    await sendBytes(response, fd, range);
  }
  response.end(tail);
}
