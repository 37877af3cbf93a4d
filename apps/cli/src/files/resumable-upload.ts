import { RstreamError } from '@rstream/protocol';
import type { FilesClient } from './client.ts';
import { pathOf } from './path.ts';
import { persist } from './persist.ts';
import { PrefixHash } from './prefix-hash.ts';
import { statusOf } from './status-error.ts';
import { explain, uploadName, type Uploaded, type UploadOptions } from './upload-options.ts';
import { bodyOf, type Source } from './upload-source.ts';
import { offeredHash } from './verify.ts';

/**
 * Uploads under a hidden name beside the target, which grows in place and survives a lost connection, and moves it there when all of it
 * was checked. Undefined when the device does not take uploads in this way.
 */
export async function resumeUpload(
  client: FilesClient,
  source: Source,
  segments: readonly string[],
  options: UploadOptions,
): Promise<Uploaded | undefined> {
  const hidden = [...segments.slice(0, -1), uploadName(source.identity, segments)];
  const task = new Task({ client, source, segments, hidden, options });
  await task.assertWanted();
  try {
    await persist((progress) => task.send(progress), { ...options, statuses: [409, 423] });
    await task.verify();
    await persist(() => task.putInPlace(), options);
  } catch (error) {
    if ([405, 415, 501].includes(statusOf(error) ?? 0)) return undefined;
    throw explain(error, segments, options.replace);
  }
  return { bytes: source.size, resumed: task.resumed };
}

interface TaskParts {
  readonly client: FilesClient;
  readonly source: Source;
  readonly segments: readonly string[];
  /** Where it grows. */
  readonly hidden: readonly string[];
  readonly options: UploadOptions;
}

class Task {
  resumed = 0;
  readonly #parts: TaskParts;
  readonly #hash = new PrefixHash();
  #digest: string | undefined;
  /** The furthest byte that was ever sent: sending one again is no progress. */
  #furthest = 0;
  #attempts = 0;
  #moves = 0;

  constructor(parts: TaskParts) {
    this.#parts = parts;
  }

  /** Says early what would be said at the end. */
  async assertWanted(): Promise<void> {
    const { client, segments, options } = this.#parts;
    if (options.replace === true) return;
    const there = await persist(() => client.stat(segments, options.signal), options);
    const refused = typeof options.replace === 'string' ? there?.etag !== options.replace : there !== undefined;
    if (!refused) return;
    if (typeof options.replace === 'string') throw new RstreamError('ERR_RSTREAM_FILE_CHANGED');
    throw new RstreamError('ERR_RSTREAM_FILE_EXISTS', `${pathOf(segments)} exists on the device.`);
  }

  /** Sends what is missing. */
  async send(progress: (bytes: number) => void): Promise<void> {
    const { client, source, hidden, options } = this.#parts;
    const offset = await this.#offset();
    if (this.#attempts === 0) this.resumed = offset;
    this.#attempts += 1;
    if (offset > this.#furthest) progress(offset - this.#furthest);
    this.#furthest = Math.max(this.#furthest, offset);
    await this.#hash.catchUp(source.file, offset);
    const onRead = (position: number, chunk: Buffer): void => {
      this.#hash.take(position - chunk.length, chunk);
      if (position > this.#furthest) progress(position - this.#furthest);
      this.#furthest = Math.max(this.#furthest, position);
      options.onProgress?.(position, source.size);
    };
    const headers = { 'content-type': 'application/partial-upload', 'upload-offset': offset, 'content-length': source.size - offset };
    // Also with nothing left to send: the answer says that all of it is on the disk.
    const body = offset === source.size ? '' : bodyOf(source, offset, onRead);
    const answer = await client.tell('PATCH', hidden, { headers, body, signal: options.signal });
    if (Number(answer.headers['upload-offset']) !== source.size) throw new RstreamError('SESSION_LOST', 'A part of the upload is missing.');
  }

  async verify(): Promise<void> {
    const { client, source, hidden, options } = this.#parts;
    this.#digest = this.#hash.digest();
    const theirs = await offeredHash(client, hidden, options.signal);
    const isDamaged = theirs !== undefined && theirs.hash !== this.#digest;
    try {
      await source.assertUnchanged();
      if (isDamaged) throw new RstreamError('ERR_RSTREAM_FILE_DAMAGED', `${source.path}: its SHA-256 on the device is not that here.`);
    } catch (error) {
      await this.#discard();
      throw error;
    }
  }

  /** Moves the whole file to its name. */
  async putInPlace(): Promise<void> {
    const { client, source, segments, hidden, options } = this.#parts;
    const { replace, signal } = options;
    this.#moves += 1;
    try {
      if (this.#moves === 1) await client.tell('PROPPATCH', hidden, { body: modifiedBody(source.modified), headers: xmlType, signal });
      const condition = typeof replace === 'string' ? { if: `<${client.address(segments)}> ([${replace}])` } : {};
      const overwrite = replace === true || typeof replace === 'string' ? 'T' : 'F';
      await client.tell('MOVE', hidden, { headers: { destination: client.address(segments), overwrite, ...condition }, signal });
    } catch (error) {
      // An answer that was lost may have been a success.
      const gone = statusOf(error) === 404 && this.#moves > 1;
      if (gone && (await offeredHash(client, segments, signal))?.hash === this.#digest) return;
      throw error;
    }
  }

  /** How much of it the device has. One that has more than there is belongs to something else. */
  async #offset(): Promise<number> {
    const { client, source, hidden, options } = this.#parts;
    const answer = await client.tell('HEAD', hidden, { signal: options.signal, accept: [404] });
    if (answer.statusCode === 404) return 0;
    const size = Number(answer.headers['content-length'] ?? Number.NaN);
    if (size <= source.size) return size;
    await this.#discard();
    return 0;
  }

  async #discard(): Promise<void> {
    const { client, hidden, options } = this.#parts;
    await client.tell('DELETE', hidden, { signal: options.signal, accept: [404] });
  }
}

const xmlType = { 'content-type': 'application/xml; charset=utf-8' };

/** Sets the modification time, as ownCloud clients do. */
const modifiedBody = (seconds: number): string =>
  `<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:lastmodified>${seconds.toFixed(3)}</D:lastmodified></D:prop></D:set></D:propertyupdate>`;
