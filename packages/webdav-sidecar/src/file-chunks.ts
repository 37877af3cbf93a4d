import { read as readCallback, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { Failure } from './failure.ts';
import type { ByteRange } from './range.ts';

const read = promisify(readCallback);
/** As much is read at once: cheaper than a turn through the thread pool. */
const SMALL_BYTES = 65_536;
const CHUNK_BYTES = 262_144;

/** Bytes of an open file. Throws when it became shorter meanwhile. Every chunk is a buffer of its own: whoever gets it may keep it. */
export async function* chunksOf(fd: number, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  for (let position = start; position <= end;) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end + 1 - position));
    const count =
      buffer.length <= SMALL_BYTES
        ? readSync(fd, buffer, 0, buffer.length, position)
        : (await read(fd, buffer, 0, buffer.length, position)).bytesRead;
    if (count === 0) throw new Failure(409, 'The file became shorter meanwhile.');
    position += count;
    yield count === buffer.length ? buffer : buffer.subarray(0, count);
  }
}
