import { DataType } from '@rstream/protocol/webtty';
import type { Messages } from './messages.ts';

/** Chunks that draw the whole screen: the device did not count them, so they are not acknowledged. */
export const repaints = new WeakSet<Uint8Array>();

export interface ConsumptionOptions {
  readonly messages: Messages;
  readonly type: DataType;
  /** Bytes that the device sends ahead; undefined when it takes no credit. */
  readonly window: number | undefined;
}

/** Gives the device credit for what the reader of one stream has consumed, a quarter of the window at a time. */
export class Consumption {
  readonly #options: ConsumptionOptions;
  #owed = 0;
  #received = 0;
  #credited = 0;
  #released = false;

  constructor(options: ConsumptionOptions) {
    this.#options = options;
  }

  /** Bytes arrived. */
  receive(bytes: number): void {
    this.#received += bytes;
    if (this.#released) this.#credit(bytes);
  }

  /**
   * The chunks of `source`, each of which counts as consumed when the next one is asked for. What a reader that leaves early
   * leaves behind counts at once.
   */
  async *follow(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of source) {
        yield chunk;
        if (!this.#released && !repaints.has(chunk)) this.#consume(chunk.byteLength);
      }
    } finally {
      this.release();
    }
  }

  /** Nobody waits for the reader any more: everything counts as consumed when it arrives. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#credit(this.#received - this.#credited);
  }

  #consume(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < (this.#options.window ?? Infinity) / 4) return;
    this.#credit(this.#owed);
    this.#owed = 0;
  }

  #credit(bytes: number): void {
    const { messages, type, window } = this.#options;
    if (window === undefined || bytes === 0) return;
    this.#credited += bytes;
    messages.send({ kind: 'outputCredit', bytes, ...(type === DataType.STDERR ? { type } : {}) }).catch(() => undefined);
  }
}
