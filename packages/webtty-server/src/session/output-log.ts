/** Chunks of this size and more are kept as they came; smaller ones are copied together, or each would cost more than it holds. */
const KEPT_WHOLE_BYTES = 8_192;
/** Sizes of the blocks that small chunks are copied into: little for a session that says little. */
const FIRST_BLOCK_BYTES = 1_024;
const LARGEST_BLOCK_BYTES = 65_536;

interface Block {
  /** Offset of the block's first byte in the stream. */
  readonly at: number;
  readonly bytes: Buffer;
  filled: number;
}

/**
 * The end of one output stream, addressed by offset from its beginning. Bytes are appended at the end, read from anywhere in
 * what is kept, and let go from the front. What was read stays valid: a block is never written twice.
 */
export class OutputLog {
  #blocks: Block[] = [];
  #start = 0;
  #end = 0;
  #isEnded = false;

  /** Offset of the first byte that is kept. */
  get start(): number {
    return this.#start;
  }

  /** Offset behind the last byte. */
  get end(): number {
    return this.#end;
  }

  /** True when nothing will be appended any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  finish(): void {
    this.#isEnded = true;
  }

  /** The chunk belongs to the log from now on. */
  append(chunk: Buffer): void {
    if (chunk.byteLength >= KEPT_WHOLE_BYTES) {
      this.#blocks.push({ at: this.#end, bytes: chunk, filled: chunk.byteLength });
      this.#end += chunk.byteLength;
      return;
    }
    let rest = chunk;
    while (rest.byteLength > 0) {
      const block = this.#blockWithRoom();
      const taken = rest.copy(block.bytes, block.filled);
      block.filled += taken;
      this.#end += taken;
      rest = rest.subarray(taken);
    }
  }

  /** Up to `most` bytes from `from` on, as one view: fewer when a block ends, none at the end. `from` must be kept. */
  read(from: number, most: number): Buffer {
    const block = this.#blocks[this.#indexOf(from)];
    if (block === undefined) return Buffer.alloc(0);
    const within = from - block.at;
    return block.bytes.subarray(within, Math.min(block.filled, within + most));
  }

  /** Lets go of what lies before `offset`. */
  trim(offset: number): void {
    if (offset <= this.#start) return;
    this.#start = Math.min(offset, this.#end);
    const index = this.#indexOf(this.#start);
    if (index > 0) this.#blocks.splice(0, index);
  }

  #blockWithRoom(): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.filled < last.bytes.byteLength) return last;
    const size = last === undefined ? FIRST_BLOCK_BYTES : Math.min(LARGEST_BLOCK_BYTES, last.bytes.byteLength * 4);
    const block = { at: this.#end, bytes: Buffer.allocUnsafeSlow(size), filled: 0 };
    this.#blocks.push(block);
    return block;
  }

  /** Index of the block that holds `offset`; the number of blocks when none does. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = this.#blocks[middle];
      if (block !== undefined && block.at + block.filled <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
