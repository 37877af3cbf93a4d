import type { Readable } from 'node:stream';
import { limits } from '@rstream/protocol';
import { DataType } from '@rstream/protocol/webtty';
import type { MessageLink } from './message-link.ts';
import type { CommandProcess } from './process.ts';

/**
 * Moves the output of a process to the peer. A slow peer holds the pipes back, and through them the command. Bytes over the
 * limit, and all bytes once the peer is gone, are read, counted and dropped, so that a command never hangs on its output.
 */
export class OutputPump {
  /** Bytes that the command wrote, forwarded or not. */
  readonly totals = { stdout: 0, stderr: 0 };
  /** Resolves when both streams are at their end, or were given up by {@link OutputPump.finishAfterExit}. */
  readonly finished: Promise<void>;
  readonly #link: MessageLink;
  readonly #sources: readonly [Readable, Readable];
  readonly #limit: number;
  #paused = false;
  #discarding = false;
  #linger: NodeJS.Timeout | undefined;

  constructor(link: MessageLink, process: CommandProcess, maxBytes: number) {
    this.#link = link;
    this.#sources = [process.stdout, process.stderr];
    this.#limit = maxBytes;
    link.onDrain(() => this.#resume());
    this.finished = Promise.all([this.#pump('stdout', process.stdout), this.#pump('stderr', process.stderr)]).then(() => {
      clearTimeout(this.#linger);
    });
  }

  /** Nobody reads any more: from now on output is only counted. */
  discard(): void {
    this.#discarding = true;
    this.#resume();
  }

  /**
   * The command has exited; other processes may still hold its pipes. Output goes on as long as it flows or waits for the
   * peer; after `limits.webtty.outputLinger` of silence the pipes are given up.
   */
  finishAfterExit(): void {
    this.#linger = setTimeout(() => {
      if (this.#paused) this.#linger?.refresh();
      else this.giveUp();
    }, limits.webtty.outputLinger.default);
  }

  /** Closes the pipes, whoever else holds them. */
  giveUp(): void {
    for (const source of this.#sources) source.destroy();
  }

  #pump(name: 'stdout' | 'stderr', source: Readable): Promise<void> {
    const type = name === 'stdout' ? DataType.STDOUT : DataType.STDERR;
    source.on('data', (chunk: Buffer) => {
      const before = this.totals[name];
      this.totals[name] += chunk.byteLength;
      this.#linger?.refresh();
      if (!this.#discarding && before < this.#limit) this.#forward(type, chunk.subarray(0, this.#limit - before));
    });
    return new Promise((resolve) => {
      source.once('close', () => {
        if (!this.#discarding) this.#link.send({ kind: 'data', type, eos: true });
        resolve();
      });
      // A broken pipe of our own side ends like a closed one.
      source.once('error', () => undefined);
    });
  }

  #forward(type: DataType, chunk: Uint8Array): void {
    const limit = limits.webtty.dataBytes.default;
    let room = true;
    for (let at = 0; at < chunk.byteLength; at += limit) room = this.#link.sendData(type, chunk.subarray(at, at + limit));
    if (room) return;
    this.#paused = true;
    // Also when already paused: Node lets the pipes of a process flow again when it exits.
    for (const source of this.#sources) source.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const source of this.#sources) source.resume();
  }
}
