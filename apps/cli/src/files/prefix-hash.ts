import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const READ_BYTES = 262_144;

/** SHA-256 of a file whose bytes come in order, but some of them twice or from an earlier run. */
export class PrefixHash {
  readonly #hash = createHash('sha256');
  #position = 0;

  /** Takes bytes that are at `position` in the file; those that it had are passed over. */
  take(position: number, chunk: Uint8Array): void {
    const known = this.#position - position;
    if (known >= chunk.length) return;
    if (known < 0) throw new RangeError('Bytes are missing before these.');
    this.#hash.update(known === 0 ? chunk : chunk.subarray(known));
    this.#position = position + chunk.length;
  }

  /** Reads from the file what is missing before `end`. */
  async catchUp(file: FileHandle, end: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, end - this.#position)));
    while (this.#position < end) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - this.#position), this.#position);
      if (bytesRead === 0) throw new RangeError('The file is shorter than it was.');
      this.take(this.#position, buffer.subarray(0, bytesRead));
    }
  }

  /** Hexadecimal; nothing can be taken afterwards. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
