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
