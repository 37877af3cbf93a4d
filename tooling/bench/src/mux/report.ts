import { median, type Target } from '../result.ts';
import type { Measured } from './processes.ts';
import type { Case } from './stream-cases.ts';

/** All rounds of one case on one path: what each variant took, round by round. */
export interface Series {
  readonly name: string;
  readonly work: Case;
  readonly rounds: ReadonlyArray<ReadonlyMap<string, Measured>>;
}

/** What one round did, in the unit that its case is measured in. */
function units(work: Case): number {
  return work.do === 'pingpong' || work.do === 'opens' ? work.count : work.bytes / 1e6;
}

/** Median over the rounds of (time of `against` / time of `variant`): above 1 is faster. */
export function ratio(series: Series | undefined, variant: string, against: string): number {
  return median(pairs(series, variant, against).map(([ours, theirs]) => theirs.ms / ours.ms));
}

/** Median over the rounds of (CPU of `variant` / CPU of `against`): below 1 is cheaper. */
export function cpuRatio(series: Series | undefined, variant: string, against: string): number {
  return median(pairs(series, variant, against).map(([ours, theirs]) => ours.cpuMs / theirs.cpuMs));
}

function pairs(series: Series | undefined, variant: string, against: string): Array<[Measured, Measured]> {
  return (series?.rounds ?? []).flatMap((round) => {
    const [one, other] = [round.get(variant), round.get(against)];
    return one === undefined || other === undefined ? [] : [[one, other] as [Measured, Measured]];
  });
}

export function rowsOf(series: Series): Array<Record<string, unknown>> {
  const names = [...new Set(series.rounds.flatMap((round) => [...round.keys()]))];
  return names.map((variant) => {
    const all = series.rounds.flatMap((round) => round.get(variant) ?? []);
    const done = units(series.work);
    const isCounted = series.work.do === 'pingpong' || series.work.do === 'opens';
    const cpu = median(all.map((one) => one.cpuMs)) / done;
    return {
      case: series.name,
      variant,
      rate: rounded((done / median(all.map((one) => one.ms))) * 1000),
      unit: isCounted ? 'per second' : 'MB/s',
      toTcp: rounded(ratio(series, variant, 'tcp')),
      toGo: rounded(ratio(series, variant, 'go')),
      cpu: rounded(isCounted ? cpu * 1000 : cpu),
      cpuUnit: isCounted ? 'us each' : 'ms/MB',
    };
  });
}

/** The aims of the multiplexer, each against what this run measured. */
export function targetsOf(all: readonly Series[]): Target[] {
  const find = (name: string): Series | undefined => all.find((series) => series.name === name);
  const atLeast = (name: string, measured: number, target: number): Target => ({
    name,
    target: `>= ${target}`,
    measured: String(rounded(measured)),
    met: measured >= target,
  });
  const atMost = (name: string, measured: number, target: number): Target => ({
    name,
    target: `<= ${target}`,
    measured: String(rounded(measured)),
    met: measured <= target,
  });
  const ours = 'ours/upgrade';
  return [
    atLeast('1 stream, x raw TCP', ratio(find('bulk, 1 stream'), ours, 'tcp'), 0.89),
    atLeast('8 streams, x raw TCP', ratio(find('bulk, 8 streams'), ours, 'tcp'), 1.27),
    atLeast('64 streams, x raw TCP', ratio(find('bulk, 64 streams'), ours, 'tcp'), 1.75),
    atLeast('256-byte writes, x raw TCP', ratio(find('256-byte writes, 8 streams'), ours, 'tcp'), 6.3),
    atLeast('opens, x TCP connects', ratio(find('opens'), ours, 'tcp'), 4),
    atLeast('8 streams, x Go yamux', ratio(find('bulk, 8 streams'), ours, 'go'), 1),
    atLeast('64 streams, x Go yamux', ratio(find('bulk, 64 streams'), ours, 'go'), 1),
    atMost('CPU per MB at 8 streams, x Go yamux', cpuRatio(find('bulk, 8 streams'), ours, 'go'), 1),
    atMost('CPU per MB at 64 streams, x Go yamux', cpuRatio(find('bulk, 64 streams'), ours, 'go'), 1),
    atLeast('1 stream at 50 ms, x kernel TCP', ratio(find('bulk, 1 stream, 50 ms'), ours, 'tcp'), 0.6),
  ];
}

const rounded = (value: number): number => Number(value.toPrecision(3));
