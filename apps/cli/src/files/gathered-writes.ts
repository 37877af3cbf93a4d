import type { FileHandle } from 'node:fs/promises';

const BUFFER_BYTES = 1_048_576;

/**
 * Writes to a file, gathered. What comes in is copied and let go at once: pieces that waited for the disk would live long enough to be
 * collected only with all the rest of the heap.
 */
export class GatheredWrites {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  /** Where in the file the buffer begins. */
  #position = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** From here on `write` goes on at `position`. What was gathered before is written first. */
  async seek(position: number): Promise<void> {
    await this.flush();
    this.#position = position;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length;) {
      const part = chunk.subarray(done, done + BUFFER_BYTES - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === BUFFER_BYTES) await this.flush();
    }
  }

  /** Writes what is gathered. */
  async flush(): Promise<void> {
    for (let done = 0; done < this.#filled;)
      done += (await this.#file.write(this.#buffer, done, this.#filled - done, this.#position + done)).bytesWritten;
    this.#position += this.#filled;
    this.#filled = 0;
  }
}
