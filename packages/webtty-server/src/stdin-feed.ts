import type { Writable } from 'node:stream';
import { limits, RstreamError } from '@rstream/protocol';

export interface StdinFeedOptions {
  readonly stdin: Writable | undefined;
  /** The client sends no more than the credit that it is given. */
  readonly credits: boolean;
  /** The program took so many bytes: as many more may be sent. */
  readonly onCredit: (bytes: number) => void;
  /** Of a client without credit: true when reading from it should stop, false when it should go on. */
  readonly onBacklog: (full: boolean) => void;
}

/**
 * Feeds a command's stdin. What the command has not read yet is bounded without ever blocking the messages behind it: a client
 * of ours is given credit as the command reads; from any other client, reading stops at a much larger backlog.
 */
export class StdinFeed {
  /** Bytes that the command's pipe took. */
  taken = 0;
  /** Bytes that came from the client: where one that was interrupted goes on. */
  received = 0;
  readonly #options: StdinFeedOptions;
  #pending = 0;
  #uncredited = 0;
  #ended: boolean;

  constructor(options: StdinFeedOptions) {
    this.#options = options;
    this.#ended = options.stdin === undefined;
    // A command that closed its stdin, or ended, is no error: further input is dropped.
    options.stdin?.on('error', () => {
      this.#ended = true;
    });
  }

  /** Bytes that a client of ours may send now. Asking for it takes the place of the credit that is still owed. */
  takeWindow(): number {
    this.#uncredited = 0;
    return limits.webtty.stdinWindow.default - this.#pending;
  }

  /** Throws `ERR_RSTREAM_WEBTTY_PROTOCOL` when a client sends more than its credit. */
  write(chunk: Uint8Array): void {
    const { stdin, credits, onBacklog } = this.#options;
    this.#pending += chunk.byteLength;
    if (credits && this.#pending > limits.webtty.stdinWindow.default) {
      throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The client sent more stdin than it had credit for.');
    }
    this.received += chunk.byteLength;
    if (this.#ended || stdin === undefined) return this.#settle(chunk.byteLength);
    stdin.write(chunk, (error) => {
      if (error === null || error === undefined) this.taken += chunk.byteLength;
      this.#settle(chunk.byteLength);
    });
    if (!credits && this.#pending > limits.webtty.stdinBacklog.default) onBacklog(true);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.stdin?.end();
  }

  #settle(bytes: number): void {
    const { credits, onCredit, onBacklog } = this.#options;
    this.#pending -= bytes;
    if (!credits) {
      if (this.#pending <= limits.webtty.stdinBacklog.default / 2) onBacklog(false);
      return;
    }
    this.#uncredited += bytes;
    if (this.#uncredited < limits.webtty.stdinWindow.default / 4 && this.#pending > 0) return;
    onCredit(this.#uncredited);
    this.#uncredited = 0;
  }
}
