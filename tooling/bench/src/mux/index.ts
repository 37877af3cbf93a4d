import type { BenchOptions, BenchResult } from '../result.ts';
import { buildGoPeer, Pair, type Measured } from './processes.ts';
import { rowsOf, targetsOf, type Series } from './report.ts';
import type { Case } from './stream-cases.ts';

const mebibyte = 1024 * 1024;
const everyVariant = ['tcp', 'ours/tcp', 'ours/upgrade', 'ours/websocket', 'http2', 'go'];

interface Path {
  /** Round trip of the delay line in ms; 0 for none. */
  readonly rtt: number;
  /** Rounds on a machine that is fast enough to run them within the budget. */
  readonly rounds: number;
  readonly budgetMs: number;
  readonly variants: readonly string[];
  readonly cases: ReadonlyArray<{ name: string; work: Case }>;
}

/** Our multiplexer over each carrier against raw TCP, node:http2 and hashicorp/yamux, interleaved case by case in each round. */
export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const go = buildGoPeer();
  const absent = go === undefined ? ['go: no Go compiler on this machine'] : [];
  const series: Series[] = [];
  for (const path of paths(quick)) {
    const variants = path.variants.filter((variant) => variant !== 'go' || go !== undefined);
    series.push(...(await runPath({ ...path, variants }, go)));
  }
  return { bench: 'mux', rows: series.flatMap(rowsOf), targets: targetsOf(series), absent };
}

function paths(quick: boolean): Path[] {
  const rounds = quick ? 1 : 6;
  const bulk = (streams: number, mebibytes: number): Case => ({ do: 'bulk', streams, bytes: mebibytes * mebibyte, size: 65_536, count: 0 });
  const size = quick ? 16 : 128;
  const near = [
    ...[1, 8, 64].map((streams) => ({ name: `bulk, ${streams} stream${streams === 1 ? '' : 's'}`, work: bulk(streams, size) })),
    {
      name: '256-byte writes, 8 streams',
      work: { do: 'small', streams: 8, bytes: (quick ? 2 : 32) * mebibyte, size: 256, count: 0 } as const,
    },
    { name: '64-byte ping-pong', work: { do: 'pingpong', streams: 1, bytes: 0, size: 64, count: quick ? 500 : 5000 } as const },
    { name: 'opens', work: { do: 'opens', streams: 32, bytes: 0, size: 1, count: quick ? 960 : 6400 } as const },
  ];
  const far = (rtt: number): Path => ({
    rtt,
    rounds: quick ? 1 : 3,
    budgetMs: 35_000,
    variants: ['tcp', 'ours/upgrade', 'http2', 'go'],
    cases: [{ name: `bulk, 1 stream, ${rtt} ms`, work: bulk(1, (quick ? 4 : 32) / (rtt > 100 ? 2 : 1)) }],
  });
  return [{ rtt: 0, rounds, budgetMs: 130_000, variants: everyVariant, cases: near }, far(50), far(200)];
}

async function runPath(path: Path, go: string | undefined): Promise<Series[]> {
  const pairs = new Map<string, Pair>();
  try {
    for (const variant of path.variants) pairs.set(variant, await Pair.start(variant, { rtt: path.rtt, go }));
    const warm = path.rtt === 0;
    if (warm) for (const { work } of path.cases) await round(pairs, { ...work, bytes: work.bytes / 8, count: Math.ceil(work.count / 4) });
    const series = path.cases.map(({ name, work }) => ({ name, work, rounds: new Array<Map<string, Measured>>() }));
    const deadline = performance.now() + path.budgetMs;
    for (let done = 0; done < path.rounds && (done === 0 || performance.now() < deadline); done += 1) {
      // Each round starts with another variant: what one leaves behind (sockets to close, memory to collect) is paid by the next.
      const order = [...pairs].toSpliced(0, done % pairs.size).concat([...pairs].slice(0, done % pairs.size));
      for (const one of series) one.rounds.push(await round(order, one.work));
    }
    return series;
  } finally {
    for (const pair of pairs.values()) pair.stop();
  }
}

async function round(pairs: Iterable<[string, Pair]>, work: Case): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>();
  for (const [variant, pair] of pairs) measured.set(variant, await pair.measure(work));
  return measured;
}
