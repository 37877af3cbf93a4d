import { constants, type BigIntStats } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { atLocal } from './local-error.ts';

/** A local file that is being uploaded, held open. */
export interface Source {
  readonly path: string;
  readonly file: FileHandle;
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** The same text for the same content at the same place. */
  readonly identity: string;
  /** @throws RstreamError `ERR_RSTREAM_FILE_CHANGED` when it was written to meanwhile */
  assertUnchanged(): Promise<void>;
}

/** Opens a regular file. @throws RstreamError `ERR_RSTREAM_FILE_KIND` for anything else */
export async function openSource(path: string, followLink: boolean): Promise<Source> {
  return atLocal(path, async () => {
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (followLink ? 0 : (constants.O_NOFOLLOW ?? 0)));
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) {
      await file.close();
      throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${path} is no regular file.`);
    }
    const identity = [await realpath(path), stats.dev, stats.ino, stats.size, stats.mtimeNs].join(' ');
    return {
      path,
      file,
      size: Number(stats.size),
      modified: Number(stats.mtimeNs / 1_000_000n) / 1000,
      identity,
      async assertUnchanged() {
        const now: BigIntStats = await file.stat({ bigint: true });
        if (now.size !== stats.size || now.mtimeNs !== stats.mtimeNs)
          throw new RstreamError('ERR_RSTREAM_FILE_CHANGED', `${path} was written to while it was uploaded.`);
      },
    };
  });
}

/** Bytes of a source from a position on, read when they are wanted. */
export function bodyOf({ file, size }: Source, from: number, onRead: (position: number, chunk: Buffer) => void): Readable {
  const read = async function* (): AsyncGenerator<Buffer> {
    for (let position = from; position < size;) {
      const buffer = Buffer.allocUnsafe(Math.min(262_144, size - position));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw new RstreamError('ERR_RSTREAM_FILE_CHANGED', 'The file became shorter while it was uploaded.');
      const chunk = buffer.subarray(0, bytesRead);
      position += bytesRead;
      onRead(position, chunk);
      yield chunk;
    }
  };
  return Readable.from(read(), { objectMode: false, highWaterMark: 262_144 });
}
