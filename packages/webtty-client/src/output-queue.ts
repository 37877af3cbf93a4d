/**
 * One output stream of a command: a bounded queue with one writer and one reader. A full queue holds the writer back, which
 * stops reading from the transport, which holds the command itself back.
 */
export class OutputQueue implements AsyncIterable<Uint8Array> {
  readonly #limit: number;
  readonly #holdsWriter: boolean;
  #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown;
  #dropping = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** `holdsWriter` false: the writer is held back elsewhere, by credit, and never waits here. */
  constructor(limitBytes: number, holdsWriter = true) {
    this.#limit = limitBytes;
    this.#holdsWriter = holdsWriter;
  }

  /** Adds bytes. A promise comes back when the queue is full: it settles once there is room. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#state !== 'open') return undefined;
    const full = this.#queuedBytes >= this.#limit;
    if (full && this.#dropping) return undefined;
    this.#chunks.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    this.#wakeReader?.();
    if (this.#queuedBytes < this.#limit || this.#dropping || !this.#holdsWriter) return undefined;
    return new Promise((resolve) => {
      this.#wakeWriter = resolve;
    });
  }

  /** What does not fit any more is dropped instead of holding the writer back. */
  dropOverflow(): void {
    this.#dropping = true;
    this.#wakeWriter?.();
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wakeReader?.();
  }

  /** Ends the queue; a reader gets what is queued, then `error`. */
  fail(error: unknown): void {
    if (this.#state === 'open') {
      this.#state = 'failed';
      this.#error = error;
    }
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  /** Chunks in order. A reader that leaves the loop early lets the rest be dropped. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        const chunks = this.#chunks;
        this.#chunks = [];
        for (const chunk of chunks) {
          this.#queuedBytes -= chunk.byteLength;
          if (this.#queuedBytes < this.#limit) this.#wakeWriter?.();
          yield chunk;
        }
        if (this.#chunks.length > 0) continue;
        if (this.#state === 'ended') return;
        if (this.#state === 'failed') throw this.#error;
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    } finally {
      this.dropOverflow();
    }
  }
}
