import { assertMessageSize, encodeMessage } from './codec.ts';
import type { Message } from './messages.ts';

const HEADER_BYTES = 4;

/** One message in the `plain` framing: 4-byte big-endian length, then the message. */
export function encodeFrame(message: Exclude<Message, { kind: 'unknown' }>): Uint8Array {
  const body = encodeMessage(message);
  const frame = new Uint8Array(HEADER_BYTES + body.byteLength);
  new DataView(frame.buffer).setUint32(0, body.byteLength);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Cuts a byte stream into the bodies of `plain` frames, however the bytes were chunked. A body inside one chunk is a view of
 * it; one that spans chunks is copied once. Holds at most one message (`webttyLimits.messageBytes`).
 */
export class FrameDecoder {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #body: Uint8Array | undefined;
  #bodyFilled = 0;

  /** True between two frames: the only place where a stream may end cleanly. */
  get isIdle(): boolean {
    return this.#headerFilled === 0;
  }

  /** Yields every body that `chunk` completes. Throws `ERR_RSTREAM_WEBTTY_PROTOCOL` for a length over the limit. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, void> {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#headerFilled < HEADER_BYTES) {
        at += this.#fillHeader(chunk, at);
        if (this.#headerFilled < HEADER_BYTES) return;
        const length = this.#bodyLength();
        if (length > chunk.byteLength - at) {
          this.#body = new Uint8Array(length);
          this.#bodyFilled = 0;
          continue;
        }
        this.#headerFilled = 0;
        yield chunk.subarray(at, at + length);
        at += length;
      } else if (this.#body !== undefined) {
        const part = chunk.subarray(at, at + this.#body.byteLength - this.#bodyFilled);
        this.#body.set(part, this.#bodyFilled);
        this.#bodyFilled += part.byteLength;
        at += part.byteLength;
        if (this.#bodyFilled < this.#body.byteLength) return;
        const body = this.#body;
        this.#body = undefined;
        this.#headerFilled = 0;
        yield body;
      }
    }
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + HEADER_BYTES - this.#headerFilled);
    this.#header.set(part, this.#headerFilled);
    this.#headerFilled += part.byteLength;
    return part.byteLength;
  }

  #bodyLength(): number {
    const length = new DataView(this.#header.buffer).getUint32(0);
    assertMessageSize(length);
    return length;
  }
}
