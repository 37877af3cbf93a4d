import type { TerminalSize } from '@rstream/protocol/webtty';
import type { Caller } from '../caller.ts';
import type { ProcessExit } from '../process.ts';

/** A session as an observer gets to know it, when its program has started. */
export interface SessionFacts {
  readonly id: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly startedAt: Date;
  readonly caller: Caller;
  /** What its owner calls it; empty for most. */
  readonly label: string;
  /** Undefined: the program has pipes. */
  readonly terminal: { readonly size: TerminalSize; readonly term: string } | undefined;
  /** The client asked for a recording. */
  readonly recordingAsked: boolean;
  /** Ends the session: for an observer that has to see all of it, and cannot any more. */
  readonly end?: (() => void) | undefined;
}

/** Sees what happens in a session, in order. Must not throw, and must not keep or change the chunks that it gets. */
export interface SessionObserver {
  output(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  input(chunk: Uint8Array): void;
  resize(size: TerminalSize): void;
  /** True when it does not keep up: the program is held back until `onCaughtUp`, which the session sets, is called. */
  readonly isBehind?: boolean;
  onCaughtUp?: (() => void) | undefined;
  /** Once, and nothing after it. */
  end(exit: ProcessExit): void;
}

/** Looks at a session that starts, and says who observes it. Throw an `RstreamError` to refuse the session. */
export type ObserveSession = (facts: SessionFacts) => SessionObserver | undefined | Promise<SessionObserver | undefined>;
