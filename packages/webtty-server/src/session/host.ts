import type { Account } from '../account.ts';
import type { CommandPolicy } from '../policy.ts';
import type { CommandRecord } from '../record.ts';
import type { Accounts } from '../run-as.ts';
import type { JobStore } from './job-store.ts';
import type { ObserveSession } from './observer.ts';
import type { SessionTable } from './table.ts';

export interface CommandServerOptions {
  readonly policy?: CommandPolicy | undefined;
  /**
   * Environment of which commands inherit path, locale and time zone; usually the process's own. Nothing else of it is passed
   * on. Default: none, with a standard path.
   */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Account whose home and name commands see; default: the one that this process runs as. */
  readonly account?: Account | undefined;
  /** Whom commands run as; default: this process. */
  readonly accounts?: Accounts | undefined;
  /** Sessions that run at once; default `limits.webtty.maxSessions`. */
  readonly maxSessions?: number | undefined;
  /** Folder that keeps the jobs of this device; without one it takes no jobs. Only its owner should be able to read it. */
  readonly jobDirectory?: string | undefined;
  /** Observes sessions, such as a recorder. */
  readonly observe?: ObserveSession | undefined;
  /** Gets a record of each session as soon as it is over, of each refusal, and of each viewer. */
  readonly onRecord?: ((record: CommandRecord) => void) | undefined;
  /** Wait for the first message of a connection, in ms; default `limits.webtty.openTimeout`. */
  readonly openTimeoutMs?: number | undefined;
}

/** What a connection may be used for. */
export interface ServeOptions {
  /** Only a read-only share may be looked at; the one of this id, if given. */
  readonly only?: 'share' | undefined;
  readonly shareId?: string | undefined;
}

/** What sessions need of the server that they belong to. */
export interface SessionHost {
  readonly options: CommandServerOptions;
  readonly table: SessionTable;
  readonly jobs: JobStore | undefined;
  /** Runs `start` with a place among the sessions. @throws RstreamError `ERR_RSTREAM_DEVICE_BUSY`, `ERR_RSTREAM_DEVICE_STOPPING` */
  admit<Result>(start: () => Promise<Result>): Promise<Result>;
}
