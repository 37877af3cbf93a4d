import type { Caller } from '../caller.ts';
import type { Execution } from '../execution.ts';
import type { CommandPlan } from '../plan.ts';
import type { CommandRecord } from '../record.ts';
import type { Job } from './job.ts';
import type { SessionObserver } from './observer.ts';

/** What a session is made of. */
export interface SessionParts {
  readonly id: string;
  readonly plan: CommandPlan;
  readonly execution: Execution;
  readonly caller: Caller;
  readonly label: string;
  readonly observer: SessionObserver | undefined;
  /** Time for which it waits for a lost controller; undefined: it ends with its connection. */
  readonly resumeMs: number | undefined;
  /** Set for a job: where its output goes. It needs no connection. */
  readonly job: Job | undefined;
  /** Gets the record when the program is over and all of its output was read. */
  readonly onRecord: (record: CommandRecord) => void;
}
