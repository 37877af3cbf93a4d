import { lstat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import type { FilesClient } from './client.ts';
import { GatheredWrites } from './gathered-writes.ts';
import { chunksOf } from './http.ts';
import { atLocal } from './local-error.ts';
import { exists, PartFile } from './part-file.ts';
import { pathOf } from './path.ts';
import { persist } from './persist.ts';
import { PrefixHash } from './prefix-hash.ts';
import { offeredHash } from './verify.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Replace a file that is there. */
  readonly replace?: boolean;
  /** Bytes that are here now, among them those of an earlier attempt. */
  onProgress?(done: number, total: number): void;
  readonly patienceMs?: number | undefined;
}

export interface Downloaded {
  readonly bytes: number;
  /** Bytes that an earlier run had left. */
  readonly resumed: number;
}

/**
 * Downloads one file: nothing is at its name before all of it is there and was checked. A lost connection is taken up where it broke, in
 * this run or in the next one, as long as the file is still the same.
 */
export async function download(
  client: FilesClient,
  segments: readonly string[],
  target: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  if (options.replace !== true && (await isThere(target))) throw exists(target);
  const part = new PartFile(target);
  const file = await part.open();
  try {
    const task = new Task({ client, segments, part, file, options });
    const result = await persist((progress) => task.attempt(progress), options);
    await task.verify();
    await atLocal(target, () => file.sync());
    await part.finish({ replace: options.replace ?? false, modified: task.modified });
    return result;
  } catch (error) {
    // What can be gone on with is kept; a file without a tag cannot.
    if ((await part.tag()) === undefined) await part.discard();
    throw error;
  } finally {
    await file.close();
  }
}

const isThere = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined)) !== undefined;

interface TaskParts {
  readonly client: FilesClient;
  readonly segments: readonly string[];
  readonly part: PartFile;
  readonly file: FileHandle;
  readonly options: DownloadOptions;
}

/** One file on its way, over as many connections as it takes. */
class Task {
  modified: number | undefined;
  readonly #parts: TaskParts;
  #hash = new PrefixHash();
  #etag: string | undefined;
  #size = 0;
  #resumed: number | undefined;

  readonly #writes: GatheredWrites;

  constructor(parts: TaskParts) {
    this.#parts = parts;
    this.#writes = new GatheredWrites(parts.file);
  }

  async attempt(progress: (bytes: number) => void): Promise<Downloaded> {
    const { client, segments, part, file, options } = this.#parts;
    const tag = this.#etag ?? (await part.tag());
    const have = tag === undefined ? 0 : (await file.stat()).size;
    // From the last byte that is here: there is always something to send, also when nothing is missing.
    const from = Math.max(0, have - 1);
    const headers = tag === undefined || have === 0 ? {} : { range: `bytes=${from}-`, 'if-range': tag };
    const answer = await client.ask('GET', segments, { headers, signal: options.signal, accept: [416] });
    if (answer.statusCode === 416) return this.#startAgain(answer, progress);
    const start = startOf(answer);
    if (start !== 0 && start !== from) throw unexpected(segments);
    await this.#begin(answer, start);
    this.#resumed ??= start;
    let position = start;
    await this.#writes.seek(start);
    try {
      for await (const chunk of chunksOf(answer, { signal: options.signal })) {
        if (this.#isVerified) this.#hash.take(position, chunk);
        position += chunk.length;
        await atLocal(part.target, () => this.#writes.write(chunk));
        progress(chunk.length);
        options.onProgress?.(position, this.#size);
      }
    } finally {
      await atLocal(part.target, () => this.#writes.flush());
    }
    if (position !== this.#size) throw new RstreamError('SESSION_LOST', 'The answer ended too early.');
    return { bytes: this.#size, resumed: this.#resumed };
  }

  /** Compares the whole file with what the device says of it, where it can be asked. */
  async verify(): Promise<void> {
    if (!this.#isVerified) return;
    const { client, segments, part, options } = this.#parts;
    const theirs = await offeredHash(client, segments, options.signal);
    if (theirs === undefined || theirs.etag !== this.#etag || theirs.hash === this.#hash.digest()) return;
    await part.discard();
    throw new RstreamError('ERR_RSTREAM_FILE_DAMAGED', `${pathOf(segments)}: its SHA-256 here is not that on the device.`);
  }

  get #isVerified(): boolean {
    return this.#size > limits.files.resumableBytes.default;
  }

  /** Learns from the head of an answer which state of the file comes, and makes the part fit it. */
  async #begin(answer: IncomingMessage, start: number): Promise<void> {
    const { part, file } = this.#parts;
    const { etag } = answer.headers;
    if (start === 0 || etag !== this.#etag) this.#hash = new PrefixHash();
    this.#etag = etag?.startsWith('"') === true ? etag : undefined;
    this.#size = sizeOf(answer, start);
    const modified = Date.parse(answer.headers['last-modified'] ?? '');
    this.modified = Number.isNaN(modified) ? undefined : modified;
    if (start === 0) {
      await atLocal(part.target, () => file.truncate(0));
      if (this.#isVerified) await part.setTag(this.#etag);
    } else if (this.#isVerified) await this.#hash.catchUp(file, start);
  }

  async #startAgain(answer: IncomingMessage, progress: (bytes: number) => void): Promise<Downloaded> {
    answer.resume();
    this.#etag = undefined;
    await this.#parts.part.setTag(undefined);
    return this.attempt(progress);
  }
}

/** First byte of an answer in the file. */
function startOf(answer: IncomingMessage): number {
  if (answer.statusCode !== 206) return 0;
  return Number(/^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1] ?? Number.NaN);
}

function sizeOf(answer: IncomingMessage, start: number): number {
  const { 'content-range': range, 'content-length': length } = answer.headers;
  const size = start === 0 && range === undefined ? Number(length ?? Number.NaN) : Number(/\/(\d+)$/.exec(range ?? '')?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(size)) throw new RstreamError('ERR_RSTREAM_FILE_STATUS', 'The device does not say how large the file is.');
  return size;
}

const unexpected = (segments: readonly string[]): RstreamError =>
  new RstreamError('ERR_RSTREAM_FILE_STATUS', `${pathOf(segments)}: the device sent another part of the file than was asked for.`);
