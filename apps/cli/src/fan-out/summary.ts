/** What became of a command on one of several devices. */
export interface DeviceEnd {
  readonly name: string;
  /** Exit code, as of a local process; undefined when the command did not run to an end there. */
  readonly exitCode: number | undefined;
}

/** Numbers of a whole run; stable JSON. `total` is the sum of the other three. */
export interface Summary {
  readonly total: number;
  /** Ended with 0. */
  readonly ok: number;
  /** Ended with something else, by a signal, or out of time. */
  readonly failed: number;
  /** Was not reached, did not start, or its connection broke. */
  readonly errors: number;
  readonly duration_ms: number;
}

export function summarize(ends: readonly DeviceEnd[], durationMs: number): Summary {
  const ok = ends.filter(({ exitCode }) => exitCode === 0).length;
  const errors = ends.filter(({ exitCode }) => exitCode === undefined).length;
  return { total: ends.length, ok, failed: ends.length - ok - errors, errors, duration_ms: Math.round(durationMs) };
}

/** 0 when all of them ended with 0, 125 when it ran on none, else 1. */
export function fanOutStatus({ total, ok, errors }: Summary): number {
  if (ok === total) return 0;
  return errors === total ? 125 : 1;
}

/** One line for people. */
export function summaryText(ends: readonly DeviceEnd[], { total, ok, failed, errors, duration_ms: ms }: Summary): string {
  const named = (wanted: (end: DeviceEnd) => boolean): string => {
    const names = ends.filter(wanted).map(({ name }) => name);
    return names.length <= NAMED ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more`;
  };
  const parts = [`${ok} ok`];
  if (failed > 0) parts.push(`${failed} failed (${named(({ exitCode }) => exitCode !== undefined && exitCode !== 0)})`);
  if (errors > 0) parts.push(`${errors} not run (${named(({ exitCode }) => exitCode === undefined)})`);
  return `${total} ${total === 1 ? 'device' : 'devices'}: ${parts.join(', ')}, ${(ms / 1000).toFixed(1)} s`;
}

/** Names that a summary spells out. */
const NAMED = 8;
