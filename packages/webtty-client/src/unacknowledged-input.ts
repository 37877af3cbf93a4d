/** Input that was sent and that the device has not taken yet: what a lost connection may have swallowed. */
export class UnacknowledgedInput {
  #chunks: Uint8Array[] = [];
  /** Offset of the first kept byte, and of the next one to be sent. */
  #start = 0;
  #end = 0;

  /** Somebody else has control now, or had: what was sent before counts no more. */
  reset(): void {
    this.#chunks = [];
    this.#start = 0;
    this.#end = 0;
  }

  push(chunk: Uint8Array): void {
    // A copy: the caller may use its buffer again once the bytes are sent.
    this.#chunks.push(chunk.slice());
    this.#end += chunk.byteLength;
  }

  /** The device took everything up to `offset`. */
  take(offset: number): void {
    while (this.#start < offset) {
      const [first] = this.#chunks;
      if (first === undefined) return;
      const taken = Math.min(first.byteLength, offset - this.#start);
      this.#start += taken;
      if (taken === first.byteLength) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(taken);
    }
  }

  /** The device took so many bytes more. */
  takeMore(bytes: number): void {
    this.take(this.#start + bytes);
  }

  /** What lies behind `offset`, and how much it is. */
  from(offset: number): { readonly chunks: readonly Uint8Array[]; readonly bytes: number } {
    const chunks: Uint8Array[] = [];
    let at = this.#start;
    for (const chunk of this.#chunks) {
      const part = chunk.subarray(Math.max(0, offset - at));
      if (part.byteLength > 0) chunks.push(part);
      at += chunk.byteLength;
    }
    return { chunks, bytes: Math.max(0, this.#end - Math.max(offset, this.#start)) };
  }
}
