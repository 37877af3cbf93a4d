/**
 * Keeps the first and the last bytes of a stream within a limit, half each, and counts all of them. Bytes are copied in: a
 * kept view would hold the whole network buffer that it came from.
 */
export class KeptOutput {
  readonly #headLimit: number;
  readonly #tailLimit: number;
  #head = new Uint8Array();
  #headFilled = 0;
  /** A ring, made when the head is full. */
  #tail: Uint8Array | undefined;
  #tailWritten = 0;

  constructor(limitBytes: number) {
    this.#headLimit = Math.ceil(limitBytes / 2);
    this.#tailLimit = Math.max(0, limitBytes - this.#headLimit);
  }

  /** Bytes kept so far. */
  get keptBytes(): number {
    return this.#headFilled + Math.min(this.#tailWritten, this.#tailLimit);
  }

  /** Bytes seen so far. */
  get totalBytes(): number {
    return this.#headFilled + this.#tailWritten;
  }

  push(chunk: Uint8Array): void {
    const forHead = chunk.subarray(0, this.#headLimit - this.#headFilled);
    if (forHead.byteLength > 0) this.#pushHead(forHead);
    const rest = chunk.subarray(forHead.byteLength);
    if (rest.byteLength > 0) this.#pushTail(rest);
  }

  /** The kept bytes; `tail` directly follows `head` unless bytes are missing between them. `limit` may shrink them further. */
  parts(limit = Infinity): { readonly head: Uint8Array; readonly tail: Uint8Array; readonly omittedBytes: number } {
    const head = this.#head.subarray(0, this.#headFilled);
    const tail = this.#tailBytes();
    if (head.byteLength + tail.byteLength <= limit) {
      return { head, tail, omittedBytes: this.totalBytes - head.byteLength - tail.byteLength };
    }
    const kept = joinBytes(head, tail);
    const headSize = Math.ceil(limit / 2);
    const tailSize = limit - headSize;
    return {
      head: kept.subarray(0, headSize),
      tail: kept.subarray(kept.byteLength - tailSize),
      omittedBytes: this.totalBytes - headSize - tailSize,
    };
  }

  #pushHead(bytes: Uint8Array): void {
    const needed = this.#headFilled + bytes.byteLength;
    if (needed > this.#head.byteLength) {
      const grown = new Uint8Array(Math.min(this.#headLimit, Math.max(needed, this.#head.byteLength * 2, 1024)));
      grown.set(this.#head.subarray(0, this.#headFilled));
      this.#head = grown;
    }
    this.#head.set(bytes, this.#headFilled);
    this.#headFilled = needed;
  }

  #pushTail(bytes: Uint8Array): void {
    const size = this.#tailLimit;
    this.#tail ??= new Uint8Array(size);
    const last = bytes.subarray(Math.max(0, bytes.byteLength - size));
    this.#tailWritten += bytes.byteLength;
    if (size === 0) return;
    const start = (this.#tailWritten - last.byteLength) % size;
    const untilEnd = last.subarray(0, size - start);
    this.#tail.set(untilEnd, start);
    this.#tail.set(last.subarray(untilEnd.byteLength), 0);
  }

  #tailBytes(): Uint8Array {
    if (this.#tail === undefined) return new Uint8Array();
    if (this.#tailWritten <= this.#tailLimit) return this.#tail.subarray(0, this.#tailWritten);
    const start = this.#tailLimit === 0 ? 0 : this.#tailWritten % this.#tailLimit;
    return joinBytes(this.#tail.subarray(start), this.#tail.subarray(0, start));
  }
}

/** `a` then `b` in one array. */
export function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.byteLength + b.byteLength);
  joined.set(a);
  joined.set(b, a.byteLength);
  return joined;
}
