import type { Writable } from 'node:stream';
import type { TerminalSize } from '@rstream/protocol/webtty';
import type { ProcessExit } from './process.ts';

/** A started program, with pipes or on a terminal. */
export interface RunningProcess {
  readonly stdin: Writable | undefined;
  readonly exited: Promise<ProcessExit>;
  signal(name: NodeJS.Signals): void;
  /** Asks it to end, and ends it after the grace, with what belongs to it. */
  terminate(graceMs: number): void;
  release(): void;
  /** Only a terminal has a size. */
  resize?(size: TerminalSize): void;
}

/** Output on its way to the client. */
export interface OutputFlow {
  /** Bytes that the program wrote, forwarded or not. */
  readonly totals: { readonly stdout: number; readonly stderr: number };
  /** Settles when everything is with the connection, or was given up. */
  readonly finished: Promise<void>;
  /** Nobody reads any more: from now on output is only counted. */
  discard(): void;
  /** The program has exited: deliver the rest. */
  finishAfterExit(): void;
  giveUp(): void;
  /** The client consumed output. */
  addCredit?(bytes: number): void;
}
