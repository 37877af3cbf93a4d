import { provide } from '@rstream/interop/provide';
import { median, type BenchOptions, type BenchResult, type Target } from '../result.ts';
import { idleTunnelKiB } from './idle.ts';
import { load, type Load } from './load.ts';
import { startPeers, type Peer } from './peers.ts';

interface Case {
  readonly name: string;
  readonly path: string;
  readonly connections: number;
  readonly fresh?: boolean;
}

const cases: readonly Case[] = [
  { name: 'small c1', path: '/s', connections: 1 },
  { name: 'small c16', path: '/s', connections: 16 },
  { name: 'small c64', path: '/s', connections: 64 },
  { name: 'new connection c16', path: '/s', connections: 16, fresh: true },
  { name: 'bulk 1', path: '/big', connections: 1 },
  { name: 'bulk 8', path: '/big', connections: 8 },
];

type Measured = Map<string, Map<string, Load[]>>;

const of = (measured: Measured, peer: string, name: string, field: keyof Load): number =>
  median((measured.get(peer)?.get(name) ?? []).map((run) => run[field]));

function targets(measured: Measured, idle: { held: number; kibPerTunnel: number }): Target[] {
  const ratio = (name: string, field: keyof Load, peer: string): number =>
    of(measured, 'rstream', name, field) / of(measured, peer, name, field);
  const atLeast = (name: string, value: number, wanted: number): Target => ({
    name,
    target: `≥ ${wanted}`,
    measured: value.toFixed(2),
    met: value >= wanted,
  });
  const atMost = (name: string, value: number, wanted: number): Target => ({
    name,
    target: `≤ ${wanted}`,
    measured: value.toFixed(2),
    met: value <= wanted,
  });
  const known = (peer: string): boolean => measured.has(peer);
  return [
    ...(known('Go yamux relay')
      ? ['small c16', 'small c64'].flatMap((name) => [
          atLeast(`${name}: requests per second / Go byte relay`, ratio(name, 'requestsPerSecond', 'Go yamux relay'), 1),
          atMost(`${name}: CPU per request / Go byte relay`, ratio(name, 'cpuPerRequest', 'Go yamux relay'), 1),
        ])
      : []),
    ...(known('http-proxy-3')
      ? [atLeast('small c64: requests per second / http-proxy-3', ratio('small c64', 'requestsPerSecond', 'http-proxy-3'), 2)]
      : []),
    ...(known('ssh -R') ? [atLeast('bulk 1: MB/s / ssh -R', ratio('bulk 1', 'megabytesPerSecond', 'ssh -R'), 1.5)] : []),
    atMost('idle tunnel: KiB of RSS at the relay', idle.kibPerTunnel, 15),
    atLeast('idle tunnels held', idle.held, 5_000),
  ];
}

/** Requests, connections and bulk through hosted and forward to nginx, beside every peer, interleaved. */
export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const wrk = provide('wrk');
  const booted = await startPeers();
  const { peers, absent, world } = booted;
  const rounds = quick ? 1 : 3;
  const seconds = quick ? 1 : 4;
  const measured: Measured = new Map(peers.map(({ name }) => [name, new Map<string, Load[]>()]));
  try {
    for (const peer of peers) await load({ wrk, ...peer, path: '/s', connections: 8, seconds: 1 });
    for (let round = 0; round < rounds; round++) {
      for (const one of cases) {
        for (const peer of rotate(peers, round)) {
          const result = await load({ wrk, ...peer, ...one, seconds });
          const results = measured.get(peer.name);
          results?.set(one.name, [...(results.get(one.name) ?? []), result]);
        }
      }
    }
    const idle = await idleTunnelKiB(world, quick ? 200 : 5_000);
    return { bench: 'edge', rows: rows(measured), targets: targets(measured, idle), absent };
  } finally {
    await booted.close();
  }
}

const rotate = (peers: readonly Peer[], by: number): Peer[] => [...peers.slice(by % peers.length), ...peers.slice(0, by % peers.length)];

const rows = (measured: Measured): Array<Record<string, unknown>> =>
  cases.flatMap(({ name }) =>
    [...measured.keys()].map((peer) => ({
      case: name,
      peer,
      'requests/s': Math.round(of(measured, peer, name, 'requestsPerSecond')),
      'p50 ms': round(of(measured, peer, name, 'p50')),
      'p99 ms': round(of(measured, peer, name, 'p99')),
      'MB/s': round(of(measured, peer, name, 'megabytesPerSecond')),
      'CPU µs/request': round(of(measured, peer, name, 'cpuPerRequest')),
      'CPU ms/MB': round(of(measured, peer, name, 'cpuMillisecondsPerMegabyte')),
      errors: of(measured, peer, name, 'errors'),
    })),
  );

const round = (value: number): number => Math.round(value * 100) / 100;
