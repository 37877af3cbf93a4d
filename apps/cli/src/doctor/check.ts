import { RstreamError, toRstreamError } from '@rstream/protocol';

export type CheckStatus = 'pass' | 'warn' | 'fail' | 'skip';

/** One line of the report. Nothing in it is a secret. */
export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface DoctorReport {
  readonly checks: readonly Check[];
  readonly summary: Readonly<Record<CheckStatus, number>>;
}

export interface Finding {
  readonly status?: CheckStatus;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

interface CheckOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Runs one check within its time; what it throws is a failure with code and next step. */
export async function runCheck(
  name: string,
  { signal, timeoutMs }: CheckOptions,
  look: (signal: AbortSignal) => Promise<Finding> | Finding,
): Promise<Check> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const started = performance.now();
  try {
    const found = await look(AbortSignal.any([signal, deadline]));
    const details = { ...found.details, duration_ms: Math.round(performance.now() - started) };
    return { name, status: found.status ?? 'pass', message: found.message, details };
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const { code, message, next } = deadline.aborted
      ? new RstreamError('ERR_RSTREAM_TIMEOUT', `No answer within ${timeoutMs} ms.`)
      : toRstreamError(thrown);
    return { name, status: 'fail', message, details: { code, next } };
  }
}

export function summarize(checks: readonly Check[]): DoctorReport {
  const summary = { pass: 0, warn: 0, fail: 0, skip: 0 };
  for (const { status } of checks) summary[status] += 1;
  return { checks, summary };
}
