const blockBytes = 4_096;

/**
 * Bytes of one stream that arrived before anybody wanted them. Pieces that are small, or a small part of the chunk they came in, are
 * copied together: otherwise a peer could pin a whole chunk, or a buffer object, with each byte that it sends.
 */
export class Inbox {
  readonly #blocks: Buffer[] = [];
  #tail: Buffer | undefined;
  #tailUsed = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (worthKeeping(piece)) {
      this.#closeTail();
      this.#blocks.push(piece);
      return;
    }
    let offset = 0;
    while (offset < piece.length) offset += this.#copy(piece, offset);
  }

  /** The oldest bytes, in one piece; `undefined` when empty. */
  shift(): Buffer | undefined {
    if (this.#blocks.length === 0) this.#closeTail();
    const block = this.#blocks.shift();
    if (block !== undefined) this.#bytes -= block.length;
    return block;
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#tail = undefined;
    this.#tailUsed = 0;
    this.#bytes = 0;
  }

  #copy(piece: Buffer, offset: number): number {
    if (this.#tail === undefined || this.#tailUsed === this.#tail.length) {
      // Blocks double, so that a stream with a few unread bytes does not cost a full block.
      const size = Math.min(blockBytes, Math.max(256, (this.#tail?.length ?? 0) * 2));
      this.#closeTail();
      this.#tail = Buffer.allocUnsafeSlow(size);
    }
    const copied = piece.copy(this.#tail, this.#tailUsed, offset);
    this.#tailUsed += copied;
    return copied;
  }

  #closeTail(): void {
    if (this.#tail === undefined) return;
    if (this.#tailUsed > 0) this.#blocks.push(this.#tail.subarray(0, this.#tailUsed));
    this.#tail = undefined;
    this.#tailUsed = 0;
  }
}

/** A piece that will wait, as a buffer that pins little more than its own bytes. */
export function compact(piece: Buffer): Buffer {
  if (piece.length * 8 >= piece.buffer.byteLength) return piece;
  const copy = Buffer.allocUnsafeSlow(piece.length);
  piece.copy(copy);
  return copy;
}

function worthKeeping(piece: Buffer): boolean {
  return piece.length >= blockBytes && piece.length * 8 >= piece.buffer.byteLength;
}
