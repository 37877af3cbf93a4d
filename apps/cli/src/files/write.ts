import { Readable } from 'node:stream';
import type { FilesClient } from './client.ts';
import { conditions, explain, type UploadOptions } from './upload-options.ts';

/** Writes what a stream gives, of any length, to a file of a device: all of it or nothing. */
export async function writeFile(
  client: FilesClient,
  segments: readonly string[],
  source: Readable,
  { replace = false, signal }: Pick<UploadOptions, 'replace' | 'signal'> = {},
): Promise<{ bytes: number; etag?: string }> {
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  const headers = { ...conditions(replace), 'content-type': 'application/octet-stream' };
  try {
    const answer = await client.tell('PUT', segments, { headers, body: Readable.from(counted(), { objectMode: false }), signal });
    const { etag } = answer.headers;
    return { bytes, ...(etag === undefined ? {} : { etag }) };
  } catch (error) {
    throw explain(error, segments, replace);
  }
}
