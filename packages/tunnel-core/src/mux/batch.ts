import { frameFlag, frameKind, frameType, headerBytes, writeHeader } from './frame.ts';

const dataKind = frameKind(frameType.data, frameFlag.none);
const smallestSlab = 1_024;
const largestSlab = 65_536;

/** Told when the bytes of a write have left for the carrier, or with an error that they never will. */
export interface Settles {
  settle(error?: Error): void;
}

/**
 * Frames on their way to the carrier, as the list of buffers of one gathered write. Headers and small payloads are laid side by
 * side in a slab; large payloads are referenced, never copied.
 */
export class Batch {
  readonly #copyUpTo: number;
  #slab: Buffer = Buffer.alloc(0);
  /** First byte of the slab that is not yet in `#buffers`. */
  #from = 0;
  #at = 0;
  #buffers: Buffer[] = [];
  #waiting: Settles[] = [];
  #bytes = 0;
  /** Slab bytes that this batch and the one before it used: how large the next slab is worth being, so that an idle session holds little. */
  #copied = 0;
  #copiedBefore = 0;

  constructor(copyUpTo: number) {
    this.#copyUpTo = copyUpTo;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends the header of a frame without a body; `kind` is `type << 16 | flags`. */
  control(kind: number, id: number, length: number): void {
    this.#room(headerBytes);
    this.#header(kind, id, length);
  }

  /** Appends the header of a data frame, whose body must follow; a small body will lie beside it. */
  data(id: number, length: number): void {
    this.#room(headerBytes + (length <= this.#copyUpTo ? length : 0));
    this.#header(dataKind, id, length);
  }

  #header(kind: number, id: number, length: number): void {
    this.#at = writeHeader(this.#slab, this.#at, kind, id, length);
    this.#bytes += headerBytes;
    this.#copied += headerBytes;
  }

  /** Appends a part of a body: by copy when small, else by reference until `take` was written. */
  payload(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (bytes.length <= this.#copyUpTo) {
      this.#room(bytes.length);
      this.#slab.set(bytes, this.#at);
      this.#at += bytes.length;
      this.#copied += bytes.length;
      return;
    }
    this.#seal();
    this.#buffers.push(bytes);
  }

  /** `writer` is settled once this batch was written. */
  notify(writer: Settles): void {
    this.#waiting.push(writer);
  }

  /** Empties the batch. */
  take(): { buffers: Buffer[]; waiting: Settles[] } {
    this.#seal();
    const taken = { buffers: this.#buffers, waiting: this.#waiting };
    this.#buffers = [];
    this.#waiting = [];
    this.#bytes = 0;
    this.#copiedBefore = this.#copied;
    this.#copied = 0;
    return taken;
  }

  #room(bytes: number): void {
    if (this.#slab.length - this.#at >= bytes) return;
    this.#seal();
    const expected = Math.max(smallestSlab, bytes, 2 * this.#copied, 2 * this.#copiedBefore);
    this.#slab = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(largestSlab, expected)));
    this.#from = 0;
    this.#at = 0;
  }

  #seal(): void {
    if (this.#at === this.#from) return;
    this.#buffers.push(this.#slab.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}
