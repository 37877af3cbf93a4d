import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cpuMilliseconds } from '../cpu.ts';

const run = promisify(execFile);

export interface LoadOptions {
  readonly wrk: string;
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  /** A new connection for every request. */
  readonly fresh?: boolean;
  /** Processes whose CPU the path costs. */
  readonly pids: readonly number[];
}

export interface Load {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly megabytesPerSecond: number;
  /** Microseconds of CPU, all processes of the path together. */
  readonly cpuPerRequest: number;
  readonly cpuMillisecondsPerMegabyte: number;
  readonly errors: number;
}

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
const latency = (text: string, percentile: string): number => {
  const [, value, unit = 'ms'] = new RegExp(`${percentile}%\\s+([\\d.]+)(us|ms|s|m)`).exec(text) ?? [];
  return Number(value) * (units[unit] ?? 1);
};
const sizes: Readonly<Record<string, number>> = { B: 1e-6, KB: 1e-3, MB: 1, GB: 1e3 };

/** One run of wrk over a path, with the CPU that the path's processes used meanwhile. */
export async function load({ wrk, port, host, path, connections, seconds, fresh = false, pids }: LoadOptions): Promise<Load> {
  const headers = ['-H', `Host: ${host}`, ...(fresh ? ['-H', 'Connection: close'] : [])];
  const before = cpuMilliseconds(pids);
  const { stdout } = await run(wrk, [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    '--timeout',
    '30s',
    ...headers,
    `http://127.0.0.1:${port}${path}`,
  ]);
  const cpu = cpuMilliseconds(pids) - before;
  const [, requests = '0', , size = '0', unit = 'B'] = /(\d+) requests in ([\d.]+\w+), ([\d.]+)(B|KB|MB|GB) read/.exec(stdout) ?? [];
  const megabytes = Number(size) * (sizes[unit] ?? 0);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0;
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0),
    p50: latency(stdout, '50'),
    p99: latency(stdout, '99'),
    megabytesPerSecond: megabytes / seconds,
    cpuPerRequest: (cpu * 1000) / Math.max(1, Number(requests)),
    cpuMillisecondsPerMegabyte: cpu / Math.max(1e-6, megabytes),
    errors: Number(bad),
  };
}
