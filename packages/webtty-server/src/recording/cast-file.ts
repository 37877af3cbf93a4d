import { open, rm, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { encodeHeader, type CastHeader } from './cast.ts';
import { encodeCheckpoint, encodeStart, nextHash, type Checkpoint } from './chain.ts';
import { chainPath } from './directory.ts';

/** What a recording needs of an open file. */
export type RecordingFile = Pick<FileHandle, 'appendFile' | 'truncate' | 'close'>;

/** Opens a new file for appending. */
export type OpenFile = (path: string) => Promise<RecordingFile>;

/** Never an existing file, never through a link, for the owner alone. */
export const openExclusive: OpenFile = (path) => open(path, 'ax', 0o600);

export interface CastFileOptions {
  readonly path: string;
  readonly header: CastHeader;
  /** Hash with which the chain begins. */
  readonly start: string;
  readonly openFile: OpenFile;
}

/** Makes a recording and its chain, with the header written. */
export async function createCastFile({ path, header, start, openFile }: CastFileOptions): Promise<CastFile> {
  const cast = await openFile(path);
  let chain: RecordingFile | undefined;
  try {
    chain = await openFile(chainPath(path));
    const file = new CastFile(basename(path), { cast, chain, start });
    await file.begin(header);
    return file;
  } catch (error) {
    // Without a header it is of no use to anyone; and it is ours, because it was not there before.
    await Promise.allSettled([cast.close(), rm(path), ...(chain === undefined ? [] : [chain.close(), rm(chainPath(path))])]);
    throw error;
  }
}

/** An open recording: lines go in, the chain follows. Its owner waits for one call before the next. */
export class CastFile {
  readonly name: string;
  readonly #cast: RecordingFile;
  readonly #chain: RecordingFile;
  #end: Checkpoint;
  #chainBytes = 0;

  /** Made by {@link createCastFile}. */
  constructor(name: string, { cast, chain, start }: { cast: RecordingFile; chain: RecordingFile; start: string }) {
    this.name = name;
    this.#cast = cast;
    this.#chain = chain;
    this.#end = { offset: 0, count: 0, us: 0, hash: start };
  }

  get bytes(): number {
    return this.#end.offset;
  }

  get lines(): number {
    return this.#end.count;
  }

  get hash(): string {
    return this.#end.hash;
  }

  async begin(header: CastHeader): Promise<void> {
    await this.#vouch(encodeStart(this.#end.hash));
    await this.append([encodeHeader(header)], 0);
  }

  /** Writes whole lines, whose intervals sum up to `us`. After a failure both files end with a whole line, and can be finished. */
  async append(lines: readonly string[], us: number): Promise<void> {
    if (lines.length === 0) return;
    const bytes = Buffer.from(lines.join(''));
    const { offset, count, hash } = this.#end;
    await appendWhole(this.#cast, bytes, offset);
    this.#end = {
      offset: offset + bytes.length,
      count: count + lines.length,
      us: this.#end.us + us,
      hash: lines.reduce(nextHash, hash),
    };
    await this.#vouch(encodeCheckpoint(this.#end));
  }

  /** Says that nothing follows, or where it goes on, and closes. */
  async finish(next?: string): Promise<void> {
    try {
      await this.#vouch(encodeCheckpoint({ ...this.#end, final: true, next }));
    } finally {
      await Promise.allSettled([this.#cast.close(), this.#chain.close()]);
    }
  }

  async #vouch(line: string): Promise<void> {
    await appendWhole(this.#chain, Buffer.from(line), this.#chainBytes);
    this.#chainBytes += line.length;
  }
}

/** All of it or, as far as the disk lets us, nothing. */
async function appendWhole(file: RecordingFile, bytes: Buffer, offset: number): Promise<void> {
  try {
    await file.appendFile(bytes);
  } catch (error) {
    await file.truncate(offset).catch(() => undefined);
    throw error;
  }
}
