import type { Duplex } from 'node:stream';
import { naiveDecode, naiveEncode, type NaiveFrame } from './mux-naive-codec.ts';

/** The far end of a carrier in the hands of a test: says any frame, right or wrong, and sees every frame that comes back. */
export class RawPeer {
  readonly carrier: Duplex;
  readonly frames: NaiveFrame[] = [];
  #rest = Buffer.alloc(0);
  #waiting: Array<() => void> = [];

  constructor(carrier: Duplex) {
    this.carrier = carrier;
    carrier.on('end', () => carrier.end());
    carrier.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      const whole = wholeFrames(this.#rest);
      this.frames.push(...naiveDecode(this.#rest.subarray(0, whole)));
      this.#rest = this.#rest.subarray(whole);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  send(...frames: Array<Partial<NaiveFrame> & { type: number }>): void {
    const whole = frames.map((frame) => {
      const body = frame.body ?? '';
      return naiveEncode({ version: 0, flags: 0, id: 0, length: body.length / 2, ...frame, body });
    });
    this.carrier.write(Buffer.concat(whole));
  }

  /** The first frame received so far, or later, that `matches`. */
  async frame(matches: (frame: NaiveFrame) => boolean): Promise<NaiveFrame> {
    for (;;) {
      const found = this.frames.find((frame) => matches(frame));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** Where the last whole frame of `bytes` ends. */
function wholeFrames(bytes: Buffer): number {
  let at = 0;
  while (bytes.length - at >= 12) {
    const size = 12 + (bytes[at + 1] === 0 ? bytes.readUInt32BE(at + 8) : 0);
    if (bytes.length - at < size) break;
    at += size;
  }
  return at;
}
