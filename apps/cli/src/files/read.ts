import { RstreamError } from '@rstream/protocol';
import type { FilesClient } from './client.ts';
import { chunksOf } from './http.ts';
import { pathOf } from './path.ts';
import { persist } from './persist.ts';

export interface ReadOptions {
  /** Value of a `Range` header with one range. */
  readonly range?: string;
  readonly signal?: AbortSignal | undefined;
}

/** One answer, cut into chunks, and where it stands in the file. */
interface Reading {
  readonly chunks: AsyncGenerator<Buffer>;
  readonly etag: string | undefined;
  readonly start: number;
  /** Byte after the last one of the answer. */
  readonly end: number | undefined;
}

/**
 * Bytes of a file, read no faster than they are taken. A lost connection is taken up where it broke.
 * @throws RstreamError `ERR_RSTREAM_FILE_CHANGED` when the file is another one by then
 */
export async function* readFile(
  client: FilesClient,
  segments: readonly string[],
  { range, signal }: ReadOptions = {},
): AsyncGenerator<Buffer> {
  let reading = await persist(() => start(client, segments, range === undefined ? {} : { range }, signal), { signal });
  const { etag, end } = reading;
  let position = reading.start;
  for (;;) {
    try {
      for await (const chunk of reading.chunks) {
        position += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!RstreamError.is(error) || error.code !== 'SESSION_LOST' || etag === undefined || end === undefined) throw error;
    }
    if (position >= end) return;
    const rest = { range: `bytes=${position}-${end - 1}`, 'if-range': etag };
    reading = await persist(
      (progress) => {
        progress(0);
        return start(client, segments, rest, signal);
      },
      { signal },
    );
    if (reading.start !== position || reading.etag !== etag)
      throw new RstreamError('ERR_RSTREAM_FILE_CHANGED', `${pathOf(segments)} was changed while it was read.`);
  }
}

async function start(
  client: FilesClient,
  segments: readonly string[],
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Reading> {
  const answer = await client.ask('GET', segments, { headers, signal });
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(answer.headers['content-range'] ?? '') ?? [];
  const length = Number(answer.headers['content-length'] ?? Number.NaN);
  const isPart = answer.statusCode === 206 && first !== undefined && last !== undefined;
  if (headers['range'] !== undefined && !isPart && headers['if-range'] === undefined) {
    answer.destroy();
    throw new RstreamError('ERR_RSTREAM_FILE_STATUS', 'The device does not send a part of the file.');
  }
  return {
    chunks: chunksOf(answer, { signal }),
    etag: answer.headers.etag,
    start: isPart ? Number(first) : 0,
    end: isPart ? Number(last) + 1 : Number.isNaN(length) ? undefined : length,
  };
}
