import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import type { FilesClient } from './client.ts';
import { atLocal } from './local-error.ts';
import { pathOf } from './path.ts';
import { persist } from './persist.ts';
import { PrefixHash } from './prefix-hash.ts';
import { resumeUpload } from './resumable-upload.ts';
import { statusOf } from './status-error.ts';
import { offeredHash } from './verify.ts';

export interface UploadOptions {
  readonly signal?: AbortSignal | undefined;
  /** True: replace what is there. An ETag: replace that state of it and no other. Default: replace nothing. */
  readonly replace?: boolean | string;
  /** Follow a link given as the source; default true. */
  readonly followLink?: boolean;
  onProgress?(done: number, total: number): void;
  readonly patienceMs?: number | undefined;
}

export interface Uploaded {
  readonly bytes: number;
  /** Bytes that an earlier run had left on the device. */
  readonly resumed: number;
}

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

/**
 * Uploads one file: on the device the old content is seen or the new, never a part. A large file is sent so that a lost connection is
 * taken up where it broke, in this run or the next.
 */
export async function upload(
  client: FilesClient,
  path: string,
  segments: readonly string[],
  options: UploadOptions = {},
): Promise<Uploaded> {
  const source = await openSource(path, options.followLink ?? true);
  try {
    if (source.size <= limits.files.resumableBytes.default) return await uploadWhole(client, source, segments, options);
    return (await resumeUpload(client, source, segments, options)) ?? (await uploadWhole(client, source, segments, options));
  } finally {
    await source.file.close();
  }
}

async function openSource(path: string, followLink: boolean): Promise<Source> {
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

/** What the server must find for the upload to take place. */
export function conditions(replace: UploadOptions['replace']): Record<string, string> {
  if (replace === true) return {};
  return typeof replace === 'string' ? { 'if-match': replace } : { 'if-none-match': '*' };
}

/** One PUT, repeated from the start when its connection is lost. */
async function uploadWhole(client: FilesClient, source: Source, segments: readonly string[], options: UploadOptions): Promise<Uploaded> {
  const { signal, replace } = options;
  const { size } = source;
  const sha256 = await hashOf(source);
  const headers = {
    ...conditions(replace),
    'content-length': size,
    'content-type': 'application/octet-stream',
    'x-oc-mtime': source.modified.toFixed(3),
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
  };
  let attempts = 0;
  const attempt = async (progress: (bytes: number) => void): Promise<void> => {
    attempts += 1;
    const body = size === 0 ? '' : bodyOf(source, 0, (position) => options.onProgress?.(position, size));
    await client.tell('PUT', segments, { headers, body, signal });
    progress(size);
  };
  try {
    await persist(attempt, options);
  } catch (error) {
    // An answer that was lost may have been a success.
    if (statusOf(error) === 412 && attempts > 1 && (await offeredHash(client, segments, signal))?.hash === sha256)
      return { bytes: size, resumed: 0 };
    throw explain(error, segments, replace);
  }
  options.onProgress?.(size, size);
  return { bytes: size, resumed: 0 };
}

async function hashOf({ file, size, path }: Source): Promise<string> {
  const hash = new PrefixHash();
  await atLocal(path, () => hash.catchUp(file, size));
  return hash.digest();
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

/** A refused condition, in the words of who asked for it. */
export function explain(error: unknown, segments: readonly string[], replace: UploadOptions['replace']): unknown {
  const path = pathOf(segments);
  const status = statusOf(error);
  if (status === 412 && replace !== true && typeof replace !== 'string')
    return new RstreamError('ERR_RSTREAM_FILE_EXISTS', `${path} exists on the device.`, { cause: error });
  if (status === 400 && RstreamError.is(error) && error.message.includes('checksum'))
    return new RstreamError('ERR_RSTREAM_FILE_DAMAGED', `${path}: the file changed while it was read, or was damaged on its way.`, {
      cause: error,
    });
  return error;
}

/** Name of the upload of one source to one target: the same in the next run. */
export function uploadName(identity: string, segments: readonly string[]): string {
  const digest = createHash('sha256')
    .update(`${identity}\0${pathOf(segments)}`)
    .digest('hex');
  return `.rstream-upload-${digest.slice(0, 24)}`;
}
