import { setTimeout as delay } from 'node:timers/promises';
import type { HostedTerminal } from './terminal-host.ts';

/** Enough of the end of the output to find a word that was cut in two. */
const TAIL_BYTES = 256;
const DEADLINE_MS = 30_000;

/** Whoever sits before a terminal: consumes it at a pace, and waits for words. */
export class Viewer {
  bytes = 0;
  readonly #terminal: HostedTerminal;
  readonly #over: Promise<void>;
  #bytesPerSecond: number;
  #tail = Buffer.alloc(0);
  #wanted: { readonly word: Buffer; readonly found: () => void } | undefined;

  constructor(terminal: HostedTerminal, bytesPerSecond = Infinity) {
    this.#terminal = terminal;
    this.#bytesPerSecond = bytesPerSecond;
    this.#over = this.#watch();
  }

  /** Types, and settles when `word` has been consumed after that. Never look for a word that is typed as it is: it is echoed. */
  async type(text: string, word: string): Promise<number> {
    this.#tail = Buffer.alloc(0);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wanted = { word: Buffer.from(word), found: resolve };
    const started = performance.now();
    if (text !== '') this.#terminal.write(text);
    const late = delay(DEADLINE_MS, undefined, { ref: false }).then(() => {
      throw new Error(`${JSON.stringify(word)} did not come; the last was ${JSON.stringify(this.#tail.toString())}`);
    });
    const ended = this.#over.then(() => {
      throw new Error(`the terminal ended before "${word}"`);
    });
    await Promise.race([promise, ended, late]);
    return performance.now() - started;
  }

  pace(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  async close(): Promise<void> {
    this.#terminal.close();
    await this.#over;
  }

  async #watch(): Promise<void> {
    let owedMs = 0;
    let from = performance.now();
    try {
      for await (const chunk of this.#terminal.output) {
        this.#look(chunk);
        if (this.#bytesPerSecond === Infinity) continue;
        owedMs += (chunk.byteLength / this.#bytesPerSecond) * 1000 - (performance.now() - from);
        owedMs = Math.max(owedMs, -20);
        from = performance.now();
        if (owedMs > 5) await delay(owedMs);
      }
    } catch {
      // A terminal that is closed from here may end with an error.
    }
  }

  #look(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength;
    if (this.#wanted === undefined) return;
    const both = Buffer.concat([this.#tail, chunk]);
    if (both.includes(this.#wanted.word)) {
      this.#wanted.found();
      this.#wanted = undefined;
    }
    this.#tail = both.subarray(-TAIL_BYTES);
  }
}
