import { RstreamError } from '@rstream/protocol';
import { fileQueryParameter, fileTailHeaders } from '@rstream/protocol/files';
import type { FilesClient } from './client.ts';
import { chunksOf } from './http.ts';
import { persist } from './persist.ts';

export interface TailOptions {
  readonly lines?: number;
  readonly bytes?: number;
  readonly follow?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const BLOCK = 65_536;

/** The end of a file, and with `follow` what is added to it, for as long as the signal lets it. */
export async function* tailFile(client: FilesClient, segments: readonly string[], options: TailOptions): AsyncGenerator<Buffer> {
  const { lines, follow = false, signal } = options;
  const size = (await persist(() => client.stat(segments, signal), { signal }))?.size;
  if (size === undefined) throw new RstreamError('ERR_RSTREAM_FILE_NOT_FOUND', 'There is no such file on the device.');
  let position =
    lines === undefined ? Math.max(0, size - (options.bytes ?? 0)) : await startOfLines({ client, segments, size, lines, signal });
  for (;;) {
    try {
      for await (const [at, chunk] of from(client, segments, { position, follow, signal })) {
        position = at + chunk.length;
        yield chunk;
      }
      if (!follow) return;
    } catch (error) {
      if (!RstreamError.is(error) || error.code !== 'SESSION_LOST' || signal?.aborted === true) throw error;
    }
  }
}

interface From {
  readonly position: number;
  readonly follow: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Bytes from a position on with where each chunk begins; from the beginning when the file is shorter than that by now. */
async function* from(
  client: FilesClient,
  segments: readonly string[],
  { position, follow, signal }: From,
): AsyncGenerator<[number, Buffer]> {
  const answer = await persist(
    async (progress) => {
      progress(0);
      const size = (await client.stat(segments, signal))?.size ?? 0;
      const offset = String(position > size ? 0 : position);
      return client.ask('GET', segments, { query: { [fileQueryParameter]: 'tail', offset, ...(follow ? { follow: '1' } : {}) }, signal });
    },
    { signal },
  );
  let at = Number(answer.headers[fileTailHeaders.offset] ?? Number.NaN);
  if (!Number.isSafeInteger(at)) {
    answer.destroy();
    throw new RstreamError('FEATURE_NOT_AVAILABLE', 'The device does not offer the end of a file.', {
      next: 'Update rstream-agent there.',
    });
  }
  for await (const chunk of chunksOf(answer, { signal, ...(follow ? { silenceMs: Number.POSITIVE_INFINITY } : {}) })) {
    yield [at, chunk];
    at += chunk.length;
  }
}

/** Where the last lines begin, found by reading backwards. */
async function startOfLines(asked: {
  readonly client: FilesClient;
  readonly segments: readonly string[];
  readonly size: number;
  readonly lines: number;
  readonly signal: AbortSignal | undefined;
}): Promise<number> {
  const { client, segments, size, lines, signal } = asked;
  if (lines === 0) return size;
  let left = lines;
  for (let end = size; end > 0; end = Math.max(0, end - BLOCK)) {
    const start = Math.max(0, end - BLOCK);
    const block = await persist(() => readBlock(client, segments, { start, end, signal }), { signal });
    // The line end at the very end of the file closes its last line and begins none.
    for (let at = block.length - (end === size ? 2 : 1); at >= 0; at -= 1) {
      if (block[at] === 0x0a) left -= 1;
      if (left === 0) return start + at + 1;
    }
  }
  return 0;
}

async function readBlock(
  client: FilesClient,
  segments: readonly string[],
  { start, end, signal }: { start: number; end: number; signal: AbortSignal | undefined },
): Promise<Buffer> {
  const answer = await client.ask('GET', segments, { headers: { range: `bytes=${start}-${end - 1}` }, signal });
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(answer, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
