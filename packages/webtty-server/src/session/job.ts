import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { limits } from '@rstream/protocol';
import type { StreamIndex } from './output-source.ts';

/** Output that may wait for the disk before the program is held back. */
const WRITE_AHEAD_BYTES = 1_048_576;

/** Files of a job's streams in its folder. */
export const streamFiles = ['stdout', 'stderr'] as const;

/**
 * The output of a job on its way to the disk. A disk that is full, or gone, does not end the job: what could not be written is
 * counted by the session and missing from what is kept.
 */
export class Job {
  readonly folder: string;
  readonly #files: readonly [WriteStream, WriteStream];
  readonly #taken: [number, number] = [0, 0];
  readonly #written: [number, number] = [0, 0];
  readonly #failed = new Set<StreamIndex>();
  readonly #listeners = new Set<() => void>();
  #onDrain: (() => void) | undefined;
  #isFinished = false;

  /** `folder` is made by {@link import('./job-store.ts').JobStore}. */
  constructor(folder: string) {
    this.folder = folder;
    const open = (stream: StreamIndex): WriteStream => {
      const path = join(folder, streamFiles[stream]);
      // Opened at once: whoever reads the job right after its start finds the file.
      const file = createWriteStream(path, { fd: openSync(path, 'wx', 0o600), highWaterMark: WRITE_AHEAD_BYTES });
      file.on('drain', () => this.#onDrain?.());
      file.on('error', () => {
        this.#failed.add(stream);
        this.#onDrain?.();
      });
      return file;
    };
    this.#files = [open(0), open(1)];
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Called when a stream that was full takes more. */
  set onDrain(listener: () => void) {
    this.#onDrain = listener;
  }

  /** True: hold the program back until `onDrain`. */
  isFull(stream: StreamIndex): boolean {
    return this.#files[stream].writableNeedDrain && !this.#failed.has(stream);
  }

  write(stream: StreamIndex, chunk: Buffer): void {
    const room = limits.webtty.jobOutput.default - this.#taken[stream];
    const part = chunk.subarray(0, Math.max(0, room));
    if (part.byteLength === 0 || this.#failed.has(stream)) return;
    this.#taken[stream] += part.byteLength;
    this.#files[stream].write(part, (error) => {
      if (error !== null && error !== undefined) return;
      this.#written[stream] += part.byteLength;
      this.#changed();
    });
  }

  /** Bytes that can be read back. */
  kept(stream: StreamIndex): number {
    return this.#written[stream];
  }

  /** Everything is on its way to the disk, and the files are closed. */
  async finish(): Promise<void> {
    await Promise.all(
      this.#files.map(async (file) => {
        if (file.closed) return;
        file.end();
        await once(file, 'close').catch(() => undefined);
      }),
    );
    this.#isFinished = true;
    this.#changed();
  }

  /** Calls the listener whenever more can be read, or the job is over. The returned function ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
