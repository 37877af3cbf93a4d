import type { Duplex } from 'node:stream';
import { limits, RstreamError } from '@rstream/protocol';
import type { Caller } from './caller.ts';
import { serveCommands, type ServeOptions } from './serve.ts';

export interface CommandServerOptions extends Omit<ServeOptions, 'caller' | 'admit' | 'signal'> {
  /** Commands that run at once; default `limits.webtty.maxSessions`. */
  readonly maxSessions?: number | undefined;
}

/** Serves the commands of one device: counts them, records them, and stops them in order. */
export class CommandServer {
  readonly #options: CommandServerOptions;
  readonly #serving = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  #stopping = false;
  #running = 0;

  constructor(options: CommandServerOptions = {}) {
    this.#options = options;
  }

  /** Commands that run now. */
  get running(): number {
    return this.#running;
  }

  /** Serves one connection. Never rejects. */
  async serve(stream: Duplex, caller: Caller): Promise<void> {
    const serving = serveCommands(stream, { ...this.#options, caller, admit: () => this.#admit(), signal: this.#stop.signal });
    this.#serving.add(serving);
    await serving.finally(() => this.#serving.delete(serving));
  }

  /** Takes no more commands and waits for the running ones; what still runs after `deadlineMs` is ended with TERM, then KILL. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    const abort = setTimeout(() => this.#stop.abort(), deadlineMs);
    const { killGrace, outputLinger, cancelTimeout } = limits.webtty;
    // After the deadline: KILL, the last output, and a moment for peers to take it. A peer that never closes is not waited for.
    const patience = deadlineMs + killGrace.default + outputLinger.default + cancelTimeout.default;
    let giveUp: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      giveUp = setTimeout(resolve, patience);
    });
    await Promise.race([Promise.allSettled(this.#serving), tooLong]);
    clearTimeout(abort);
    clearTimeout(giveUp);
  }

  #admit(): () => void {
    if (this.#stopping) throw new RstreamError('ERR_RSTREAM_DEVICE_STOPPING');
    const limit = this.#options.maxSessions ?? limits.webtty.maxSessions.default;
    if (this.#running >= limit) {
      throw new RstreamError('ERR_RSTREAM_DEVICE_BUSY', `The device already runs ${this.#running} commands, its limit.`);
    }
    this.#running += 1;
    return () => {
      this.#running -= 1;
    };
  }
}
