import type { Readable } from 'node:stream';
import { limits } from '@rstream/protocol';
import type { CommandProcess } from '../process.ts';
import type { Pty } from '../terminal/pty.ts';

/** 0 is stdout, and all output of a terminal; 1 is stderr. */
export type StreamIndex = 0 | 1;

export interface SourceEvents {
  onData(stream: StreamIndex, chunk: Buffer): void;
  /** Nothing more comes from this stream. Once each. */
  onEnd(stream: StreamIndex): void;
}

/** Where the output of a program comes from, and how to hold it back. */
export interface OutputSource {
  readonly streams: readonly StreamIndex[];
  /** Lets output flow. */
  open(events: SourceEvents): void;
  /** Safe to repeat. */
  pause(stream: StreamIndex): void;
  resume(stream: StreamIndex): void;
  /** The program has exited: deliver the rest, then end. */
  finishAfterExit(): void;
  /** Ends now, whoever still holds the other side. */
  giveUp(): void;
}

/** Output of a program with pipes. */
export class PipeSource implements OutputSource {
  readonly streams = [0, 1] as const;
  readonly #pipes: readonly [Readable, Readable];
  readonly #paused = new Set<StreamIndex>();
  #linger: NodeJS.Timeout | undefined;
  #open = 2;

  constructor({ stdout, stderr }: CommandProcess) {
    this.#pipes = [stdout, stderr];
  }

  open(events: SourceEvents): void {
    for (const stream of this.streams) {
      const pipe = this.#pipes[stream];
      pipe.on('data', (chunk: Buffer) => {
        this.#linger?.refresh();
        events.onData(stream, chunk);
      });
      // A broken pipe of our own side ends like a closed one.
      pipe.once('error', () => undefined);
      pipe.once('close', () => {
        this.#open -= 1;
        if (this.#open === 0) clearTimeout(this.#linger);
        events.onEnd(stream);
      });
    }
  }

  /** Also when already paused: Node lets the pipes of a process flow again when it exits. */
  pause(stream: StreamIndex): void {
    this.#paused.add(stream);
    this.#pipes[stream].pause();
  }

  resume(stream: StreamIndex): void {
    if (this.#paused.delete(stream)) this.#pipes[stream].resume();
  }

  /**
   * Other processes may still hold the pipes. Output goes on as long as it flows or is held back; after
   * `limits.webtty.outputLinger` of silence the pipes are given up.
   */
  finishAfterExit(): void {
    if (this.#open === 0) return;
    this.#linger = setTimeout(() => {
      if (this.#paused.size > 0) this.#linger?.refresh();
      else this.giveUp();
    }, limits.webtty.outputLinger.default);
  }

  giveUp(): void {
    for (const pipe of this.#pipes) pipe.destroy();
  }
}

/** Output of a program on a terminal. */
export class PtySource implements OutputSource {
  readonly streams = [0] as const;
  readonly #pty: Pty;

  constructor(pty: Pty) {
    this.#pty = pty;
  }

  open(events: SourceEvents): void {
    this.#pty.listen({ onData: (chunk) => events.onData(0, chunk), onEnd: () => events.onEnd(0) });
  }

  pause(): void {
    this.#pty.pause();
  }

  resume(): void {
    this.#pty.resume();
  }

  finishAfterExit(): void {
    this.#pty.finish();
  }

  giveUp(): void {
    this.#pty.close();
  }
}
