import { write } from 'node:fs';
import { Writable } from 'node:stream';

/** Waits between attempts to write to a terminal whose program does not read, in ms. */
const FIRST_RETRY_MS = 1;
const LAST_RETRY_MS = 32;
/** What a terminal may take at once; the kernel holds about this much unread input. */
const HIGH_WATER_BYTES = 4_096;

/**
 * Input of a terminal: writes to the non-blocking master descriptor, and waits while the program behind it does not read. Node's
 * own stream would block the whole process, and that of the native module would spin.
 */
export class PtyInput extends Writable {
  readonly #descriptor: number;
  #retry: NodeJS.Timeout | undefined;
  #writing: PromiseWithResolvers<void> | undefined;

  constructor(descriptor: number) {
    super({ highWaterMark: HIGH_WATER_BYTES });
    this.#descriptor = descriptor;
  }

  /** Settles when no write is under way: only then may the descriptor be closed, or the write could hit its next owner. */
  get idle(): Promise<void> {
    return this.#writing?.promise ?? Promise.resolve();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#attempt(chunk, FIRST_RETRY_MS, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#retry);
    done(error);
  }

  #attempt(chunk: Buffer, retryMs: number, done: (error?: Error | null) => void): void {
    if (this.destroyed) return done();
    this.#writing = Promise.withResolvers();
    write(this.#descriptor, chunk, (error, written) => {
      this.#writing?.resolve();
      this.#writing = undefined;
      if (error === null) {
        if (written === chunk.byteLength) done();
        else this.#attempt(chunk.subarray(written), FIRST_RETRY_MS, done);
      } else if (error.code === 'EAGAIN') {
        this.#retry = setTimeout(() => this.#attempt(chunk, Math.min(retryMs * 2, LAST_RETRY_MS), done), retryMs);
      } else {
        done(error);
      }
    });
  }
}
