import { limits, RstreamError } from '@rstream/protocol';
import { DataType } from '@rstream/protocol/webtty';
import type { MessageLink } from '../message-link.ts';
import type { OutputFlow } from '../running-process.ts';
import type { Pty } from './pty.ts';

export interface TerminalOutputOptions {
  /** Bytes that are forwarded; the rest is counted and dropped. */
  readonly maxBytes: number;
  /** Bytes that may be unacknowledged; Infinity for a client that gives no credit. */
  readonly window: number;
}

/**
 * Moves the output of a terminal to its viewer, never more of it than the viewer's window and the connection take. The rest
 * waits in the terminal, so that Ctrl-C finds little under way. All of it is read and counted once the viewer is gone.
 */
export class TerminalOutput implements OutputFlow {
  readonly totals = { stdout: 0, stderr: 0 };
  readonly finished: Promise<void>;
  readonly #link: MessageLink;
  readonly #pty: Pty;
  readonly #maxBytes: number;
  readonly #finish: () => void;
  readonly #waiting: Buffer[] = [];
  #credit: number;
  #outstanding = 0;
  #linkHasRoom = true;
  #discarding = false;
  #ended = false;
  #over = false;

  constructor(link: MessageLink, pty: Pty, { maxBytes, window }: TerminalOutputOptions) {
    this.#link = link;
    this.#pty = pty;
    this.#maxBytes = maxBytes;
    this.#credit = window;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    link.onDrain(() => {
      this.#linkHasRoom = true;
      this.#flush();
    });
    pty.listen({
      onData: (chunk) => this.#take(chunk),
      onEnd: () => {
        this.#ended = true;
        this.#flush();
      },
    });
  }

  /** Throws `ERR_RSTREAM_WEBTTY_PROTOCOL` for more than was sent. */
  addCredit(bytes: number): void {
    if (bytes > this.#outstanding) {
      throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The client acknowledged more output than it was sent.');
    }
    this.#outstanding -= bytes;
    this.#credit += bytes;
    this.#flush();
  }

  discard(): void {
    this.#discarding = true;
    this.#flush();
  }

  finishAfterExit(): void {
    this.#pty.finish();
  }

  giveUp(): void {
    this.#discarding = true;
    this.#pty.close();
  }

  #take(chunk: Buffer): void {
    const before = this.totals.stdout;
    this.totals.stdout += chunk.byteLength;
    if (this.#discarding || before >= this.#maxBytes) return;
    this.#waiting.push(chunk.subarray(0, this.#maxBytes - before));
    this.#flush();
  }

  #flush(): void {
    if (this.#discarding) this.#waiting.length = 0;
    while (this.#linkHasRoom && this.#credit > 0) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) break;
      const part = chunk.subarray(0, Math.min(this.#credit, limits.webtty.dataBytes.default));
      if (part.byteLength < chunk.byteLength) this.#waiting.unshift(chunk.subarray(part.byteLength));
      this.#credit -= part.byteLength;
      this.#outstanding += part.byteLength;
      this.#linkHasRoom = this.#link.sendData(DataType.STDOUT, part);
    }
    if (this.#waiting.length > 0) this.#pty.pause();
    else if (!this.#ended) this.#pty.resume();
    else this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#discarding) this.#link.send({ kind: 'data', type: DataType.STDOUT, eos: true });
    this.#finish();
  }
}
