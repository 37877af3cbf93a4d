import { limits } from '@rstream/protocol';
import { DataType } from '@rstream/protocol/webtty';
import type { Messages } from './messages.ts';

/** Standard input of a running command. */
export interface CommandStdin {
  /** Sends bytes; settles when more may be written. Bytes for a command that has ended are dropped, as with a closed pipe. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends standard input. */
  end(): Promise<void>;
}

/**
 * Sends stdin in bounded messages. With a server that gives credit, no more is under way than it allows: otherwise input that
 * the command does not read would fill the connection, and a later signal could not pass it.
 */
export class StdinWriter implements CommandStdin {
  readonly #messages: Messages;
  #credit: number;
  #state: 'open' | 'ended' = 'open';
  #tail: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;

  /** `window`: bytes that may be sent at first; Infinity when the server gives no credit, and only the transport holds back. */
  constructor(messages: Messages, window: number) {
    this.#messages = messages;
    this.#credit = window;
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#enqueue(() => this.#send(chunk));
  }

  end(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#state === 'ended') return;
      this.#state = 'ended';
      await this.#messages.send({ kind: 'data', type: DataType.STDIN, eos: true });
    });
  }

  addCredit(bytes: number): void {
    this.#credit += bytes;
    this.#wake?.();
  }

  /** A new connection has a window of its own. */
  setCredit(bytes: number): void {
    this.#credit = bytes;
    this.#wake?.();
  }

  /** The command is over: whatever waits is let go. */
  stop(): void {
    this.#state = 'ended';
    this.#wake?.();
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    const run = this.#tail.then(task);
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #send(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.byteLength > 0) {
      while (this.#credit <= 0 && this.#isOpen()) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (!this.#isOpen()) return;
      const part = rest.subarray(0, Math.min(this.#credit, limits.webtty.dataBytes.default));
      rest = rest.subarray(part.byteLength);
      this.#credit -= part.byteLength;
      await this.#messages.sendData(DataType.STDIN, part);
    }
  }

  #isOpen(): boolean {
    return this.#state === 'open';
  }
}
