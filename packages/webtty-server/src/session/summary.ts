import type { MessageOf, SessionInfo } from '@rstream/protocol/webtty';
import type { ProcessExit } from '../process.ts';
import { auditedCommand, callerFields, type CommandRecord, type EndedBy } from '../record.ts';
import type { SessionParts } from './parts.ts';

/** How a session ended. */
export interface SessionEnd {
  readonly exit: ProcessExit;
  readonly atMs: number;
  readonly durationMs: number;
}

/** A session at one moment, for whoever tells of it. */
export interface SessionSummary {
  readonly parts: SessionParts;
  readonly startedAtMs: number;
  readonly endedBy: EndedBy;
  readonly end: SessionEnd | undefined;
  /** Bytes that the program wrote to each stream. */
  readonly totals: readonly [number, number];
  readonly stdinBytes: number;
  /** Bytes of each stream that can be read back from the first on. */
  readonly kept: readonly [number, number];
  readonly viewers: number;
  readonly shares: number;
}

/** What lists show. */
export function sessionInfo({ parts, end, endedBy, totals, kept, ...rest }: SessionSummary): SessionInfo {
  const { plan, label, id, job } = parts;
  return {
    id,
    label,
    argv: plan.argv,
    cwd: plan.cwd,
    terminal: plan.terminal !== undefined,
    detached: job !== undefined,
    running: end === undefined,
    startedAtMs: rest.startedAtMs,
    ...(end === undefined ? {} : { endedAtMs: end.atMs }),
    ...(end === undefined || end.exit.code === null ? {} : { exitCode: end.exit.code }),
    signal: end?.exit.signal ?? '',
    timedOut: endedBy === 'deadline',
    cancelled: endedBy === 'cancel',
    stdoutBytes: totals[0],
    stderrBytes: totals[1],
    stdoutKept: kept[0],
    stderrKept: kept[1],
    viewers: rest.viewers,
    shares: rest.shares,
  };
}

/** The last message to every viewer. */
export function closeOf({ parts, endedBy, totals }: SessionSummary, { exit, durationMs }: SessionEnd): MessageOf<'close'> {
  const report = {
    signal: exit.signal ?? '',
    timedOut: endedBy === 'deadline',
    cancelled: endedBy === 'cancel',
    stdoutBytes: totals[0],
    stderrBytes: totals[1],
    durationMs: Math.round(durationMs),
  };
  return { kind: 'close', returnCode: exit.code ?? -1, ...(parts.plan.contract ? { report } : {}) };
}

/** The audit record. */
export function sessionRecord({ parts, endedBy, totals, stdinBytes }: SessionSummary, { exit, durationMs }: SessionEnd): CommandRecord {
  const { plan, caller, id, job } = parts;
  return {
    ...callerFields(caller),
    session_id: id,
    command: auditedCommand(plan.argv),
    cwd: plan.cwd,
    account: plan.account.user,
    ...(plan.terminal === undefined ? {} : { terminal: true }),
    ...(job === undefined ? {} : { job: true }),
    decision: 'run',
    rule: plan.decision,
    ended_by: endedBy,
    exit_code: exit.code,
    signal: exit.signal,
    duration_ms: Math.round(durationMs),
    stdin_bytes: stdinBytes,
    stdout_bytes: totals[0],
    stderr_bytes: totals[1],
  };
}
