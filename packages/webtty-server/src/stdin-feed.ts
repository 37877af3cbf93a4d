import type { Writable } from 'node:stream';
import { limits, RstreamError } from '@rstream/protocol';
import type { MessageLink } from './message-link.ts';

/**
 * Feeds a command's stdin. What the command has not read yet is bounded without ever blocking the messages behind it: a client
 * of ours is given credit as the command reads; from any other client, reading stops at a much larger backlog.
 */
export class StdinFeed {
  /** Bytes that the command's pipe took. */
  taken = 0;
  readonly #link: MessageLink;
  readonly #stdin: Writable | undefined;
  readonly #credits: boolean;
  #pending = 0;
  #uncredited = 0;
  #ended: boolean;

  constructor(link: MessageLink, stdin: Writable | undefined, credits: boolean) {
    this.#link = link;
    this.#stdin = stdin;
    this.#credits = credits;
    this.#ended = stdin === undefined;
    // A command that closed its stdin, or ended, is no error: further input is dropped.
    stdin?.on('error', () => {
      this.#ended = true;
    });
  }

  /** Throws `ERR_RSTREAM_WEBTTY_PROTOCOL` when a client sends more than its credit. */
  write(chunk: Uint8Array): void {
    this.#pending += chunk.byteLength;
    if (this.#credits && this.#pending > limits.webtty.stdinWindow.default) {
      throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The client sent more stdin than it had credit for.');
    }
    if (this.#ended || this.#stdin === undefined) return this.#settle(chunk.byteLength);
    this.#stdin.write(chunk, (error) => {
      if (error === null || error === undefined) this.taken += chunk.byteLength;
      this.#settle(chunk.byteLength);
    });
    if (!this.#credits && this.#pending > limits.webtty.stdinBacklog.default) this.#link.pause();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stdin?.end();
  }

  #settle(bytes: number): void {
    this.#pending -= bytes;
    if (!this.#credits) {
      if (this.#pending <= limits.webtty.stdinBacklog.default / 2) this.#link.resume();
      return;
    }
    this.#uncredited += bytes;
    if (this.#uncredited < limits.webtty.stdinWindow.default / 4 && this.#pending > 0) return;
    this.#link.send({ kind: 'stdinCredit', bytes: this.#uncredited });
    this.#uncredited = 0;
  }
}
