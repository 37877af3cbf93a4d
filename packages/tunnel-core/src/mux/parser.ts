import { headerBytes } from './frame.ts';

/** What a parser reports, in the order of the bytes. */
export interface FrameSink {
  /** A whole header. `version` is checked by the sink, since only it can answer a peer. */
  onHeader(version: number, kind: number, id: number, length: number): void;
  /** A part of the body of the last data frame: a view into the chunk, never a copy. */
  onBody(part: Buffer): void;
  /** The body of the last data frame is complete; also called for a data frame without a body. */
  onBodyEnd(): void;
}

/**
 * Turns any chunking of a byte stream into frames. Holds at most one partial header; bodies pass through as they arrive.
 */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #partial = Buffer.alloc(headerBytes);
  #partialBytes = 0;
  #bodyLeft = 0;
  #stopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** True between two frames: the only place where a peer may end the carrier cleanly. */
  get atBoundary(): boolean {
    return this.#partialBytes === 0 && this.#bodyLeft === 0;
  }

  /** Ignores everything from here on, also the rest of the chunk that is being parsed. */
  stop(): void {
    this.#stopped = true;
  }

  push(chunk: Buffer): void {
    const end = chunk.length;
    let offset = 0;
    while (offset < end && !this.#stopped) {
      if (this.#bodyLeft > 0) offset = this.#body(chunk, offset);
      else if (this.#partialBytes === 0 && end - offset >= headerBytes) {
        this.#header(chunk, offset);
        offset += headerBytes;
      } else offset = this.#collectHeader(chunk, offset);
    }
  }

  #body(chunk: Buffer, offset: number): number {
    const stop = Math.min(chunk.length, offset + this.#bodyLeft);
    this.#bodyLeft -= stop - offset;
    this.#sink.onBody(offset === 0 && stop === chunk.length ? chunk : chunk.subarray(offset, stop));
    if (this.#bodyLeft === 0) this.#sink.onBodyEnd();
    return stop;
  }

  #collectHeader(chunk: Buffer, offset: number): number {
    const stop = Math.min(chunk.length, offset + headerBytes - this.#partialBytes);
    chunk.copy(this.#partial, this.#partialBytes, offset, stop);
    this.#partialBytes += stop - offset;
    if (this.#partialBytes === headerBytes) {
      this.#partialBytes = 0;
      this.#header(this.#partial, 0);
    }
    return stop;
  }

  #header(from: Buffer, offset: number): void {
    const word = from.readUInt32BE(offset);
    const kind = word & 0xff_ffff;
    const id = from.readUInt32BE(offset + 4);
    const length = from.readUInt32BE(offset + 8);
    const isData = kind >>> 16 === 0;
    if (isData) this.#bodyLeft = length;
    this.#sink.onHeader(word >>> 24, kind, id, length);
    if (isData && length === 0 && !this.#stopped) this.#sink.onBodyEnd();
  }
}
