import { randomUUID } from 'node:crypto';

/**
 * A word that is written behind the last output of a process and taken out again on the other side: once it arrives, everything
 * before it has arrived. A terminal keeps the order of its bytes, so this needs no guess about how long output may take.
 */
export class EndMarker {
  /** Upper case and digits, which no output mode of a terminal changes. Its first letter is only there, so it cannot overlap itself. */
  readonly word: Buffer = Buffer.from(`Z${randomUUID().replaceAll('-', '').toUpperCase()}`);
  #kept: Buffer = Buffer.alloc(0);

  /** Output without the word. What may be the beginning of the word is kept back until the next chunk. */
  take(chunk: Buffer): { readonly output: Buffer; readonly found: boolean } {
    const bytes = this.#kept.byteLength === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    const at = bytes.indexOf(this.word);
    const end = at === -1 ? bytes.byteLength - this.#beginningAtEndOf(bytes) : at;
    this.#kept = at === -1 ? bytes.subarray(end) : Buffer.alloc(0);
    return { output: bytes.subarray(0, end), found: at !== -1 };
  }

  /** What was kept back, when the word will not come. */
  rest(): Buffer {
    return this.#kept;
  }

  #beginningAtEndOf(bytes: Buffer): number {
    for (let length = Math.min(this.word.byteLength - 1, bytes.byteLength); length > 0; length -= 1) {
      if (bytes.subarray(-length).equals(this.word.subarray(0, length))) return length;
    }
    return 0;
  }
}
