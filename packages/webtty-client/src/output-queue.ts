import { limits } from '@rstream/protocol';

/**
 * One output stream of a command: a bounded queue with one writer and one reader. A full queue holds the writer back, which
 * stops reading from the transport, which holds the command itself back.
 */
export class OutputQueue implements AsyncIterable<Uint8Array> {
  readonly #limit: number;
  readonly #holdsWriter: boolean;
  readonly #joins: ((chunk: Uint8Array) => boolean) | undefined;
  #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown;
  #dropping = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /**
   * `holdsWriter` false: the writer is held back elsewhere, by credit, and never waits here. `joins`: the chunks that the reader may
   * get together with those around them.
   */
  constructor(limitBytes: number, holdsWriter = true, joins?: (chunk: Uint8Array) => boolean) {
    this.#limit = limitBytes;
    this.#holdsWriter = holdsWriter;
    this.#joins = joins;
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
        for (const chunk of this.#joins === undefined ? chunks : joined(chunks, this.#joins)) {
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

/** The same bytes in fewer chunks of at most a data message each. */
function* joined(chunks: readonly Uint8Array[], joins: (chunk: Uint8Array) => boolean): Generator<Uint8Array, void, void> {
  let run: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    const fits = joins(chunk) && bytes + chunk.byteLength <= limits.webtty.dataBytes.default;
    if (!fits && run.length > 0) {
      yield concat(run, bytes);
      [run, bytes] = [[], 0];
    }
    if (joins(chunk)) {
      run.push(chunk);
      bytes += chunk.byteLength;
    } else yield chunk;
  }
  if (run.length > 0) yield concat(run, bytes);
}

function concat(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
