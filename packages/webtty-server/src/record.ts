import { limits, type ErrorCode, type RstreamError } from '@rstream/protocol';
import type { MessageOf } from '@rstream/protocol/webtty';
import type { Caller } from './caller.ts';
import { deniedBy } from './policy.ts';

/** What ended a command. */
export type EndedBy = 'exit' | 'deadline' | 'idle' | 'cancel' | 'disconnect' | 'shutdown' | 'protocol' | 'policy';

/** One audit record per session, per refused request, and per connection that only looked: who, what, what was decided, how it ended. */
export interface CommandRecord {
  readonly user_id?: string | undefined;
  readonly credential_id?: string | undefined;
  readonly source_ip?: string | undefined;
  readonly stream_id?: string | undefined;
  readonly session_id?: string | undefined;
  /** Command line, JSON-quoted per argument, cut at `limits.webtty.auditedArgv`. */
  readonly command: string;
  readonly cwd?: string | undefined;
  /** Name of the account that it ran as. */
  readonly account?: string | undefined;
  /** True: it ran on a terminal, whose output is all counted as stdout. */
  readonly terminal?: boolean | undefined;
  /** True: a job, which needs no connection. */
  readonly job?: boolean | undefined;
  /** `refused`: it did not start, `reason` says why. `viewed`: the caller looked at the session of another connection. */
  readonly decision: 'run' | 'refused' | 'viewed';
  /** What of the policy decided: `default`, or the place of a rule such as `allow[2]`. */
  readonly rule?: string | undefined;
  /** The read-only share that a viewer came with. */
  readonly share_id?: string | undefined;
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

/** What was refused, and who asked for it. */
export interface Refused {
  readonly error: RstreamError;
  readonly open: MessageOf<'open'> | undefined;
  readonly caller: Caller;
  readonly durationMs: number;
}

/** The record of a request that was refused. */
export function refusedRecord({ error, open, caller, durationMs }: Refused): CommandRecord {
  return {
    ...callerFields(caller),
    command: auditedCommand(open?.config?.cmdArgs ?? []),
    decision: 'refused',
    rule: deniedBy(error),
    reason: error.code,
    exit_code: null,
    signal: null,
    duration_ms: Math.round(durationMs),
    stdin_bytes: 0,
    stdout_bytes: 0,
    stderr_bytes: 0,
  };
}
