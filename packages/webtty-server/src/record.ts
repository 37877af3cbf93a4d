import { limits, type ErrorCode } from '@rstream/protocol';
import type { Caller } from './caller.ts';

/** What ended a command. */
export type EndedBy = 'exit' | 'deadline' | 'cancel' | 'disconnect' | 'shutdown' | 'protocol';

/** One audit record per connection: who asked for what, what was decided, and how it ended. */
export interface CommandRecord {
  readonly user_id?: string | undefined;
  readonly credential_id?: string | undefined;
  readonly source_ip?: string | undefined;
  readonly stream_id?: string | undefined;
  /** Command line, JSON-quoted per argument, cut at `limits.webtty.auditedArgv`. */
  readonly command: string;
  readonly cwd?: string | undefined;
  /** True: it ran on a terminal, whose output is all counted as stdout. */
  readonly terminal?: boolean | undefined;
  /** `refused`: it did not start, `reason` says why. */
  readonly decision: 'run' | 'refused';
  readonly reason?: ErrorCode | undefined;
  readonly ended_by?: EndedBy | undefined;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly duration_ms: number;
  readonly stdin_bytes: number;
  readonly stdout_bytes: number;
  readonly stderr_bytes: number;
}

/** The identity part of a record. */
export function callerFields(caller: Caller): Pick<CommandRecord, 'user_id' | 'credential_id' | 'source_ip' | 'stream_id'> {
  return { user_id: caller.userId, credential_id: caller.credentialId, source_ip: caller.sourceIp, stream_id: caller.streamId };
}

/** Command line for an audit record. */
export function auditedCommand(argv: readonly string[]): string {
  const limit = limits.webtty.auditedArgv.default;
  let line = '';
  for (const argument of argv) {
    line += `${line === '' ? '' : ' '}${JSON.stringify(argument.slice(0, limit))}`;
    if (line.length > limit) return `${line.slice(0, limit)}…`;
  }
  return line;
}
