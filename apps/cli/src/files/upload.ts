import { limits } from '@rstream/protocol/limits';
import type { FilesClient } from './client.ts';
import { atLocal } from './local-error.ts';
import { persist } from './persist.ts';
import { PrefixHash } from './prefix-hash.ts';
import { resumeUpload } from './resumable-upload.ts';
import { statusOf } from './status-error.ts';
import { conditions, explain, type Uploaded, type UploadOptions } from './upload-options.ts';
import { bodyOf, openSource, type Source } from './upload-source.ts';
import { offeredHash } from './verify.ts';

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
