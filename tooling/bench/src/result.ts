import { cpus, totalmem, release } from 'node:os';

/** One thing that the benchmark was to reach, and what it reached in this run. A shortfall is a finding, not a failure. */
export interface Target {
  readonly name: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

/** What a benchmark returns; written as JSON to `bench/results`. */
export interface BenchResult {
  readonly bench: string;
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly targets: readonly Target[];
  /** Peers that could not take part, and why. */
  readonly absent?: readonly string[];
}

export interface BenchOptions {
  /** One small round: shows that everything runs, not what it costs. */
  readonly quick: boolean;
}

/** What the figures were taken on. */
export const machine = () => ({
  cpus: cpus().length,
  model: cpus()[0]?.model ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
});

/** Median of the values; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
