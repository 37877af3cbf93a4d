import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ProcessWorld } from '@rstream/testkit';
import { median, type BenchOptions, type BenchResult, type Target } from '../result.ts';
import { startSshHost, type SshHost } from '../ssh-host.ts';
import { echo, echoBesideFlood, echoInFlood, firstPrompt, interrupt, show } from './cases.ts';
import { startDevice, type Device } from './device.ts';
import { startDirect } from './direct.ts';
import { idleDevice, idlePeer } from './idle.ts';
import { startGotty, startWetty, sshTerminals } from './peers.ts';
import { candidate, type TerminalHost } from './terminal-host.ts';

const run_ = promisify(execFile);
type Row = Readonly<Record<string, unknown>>;

interface Size {
  readonly rounds: number;
  readonly bytes: number;
  readonly echoes: number;
  readonly floodMs: number;
  readonly idle: number;
  readonly idlePeer: number;
}
const full: Size = { rounds: 5, bytes: 100_000_000, echoes: 1_000, floodMs: 3_000, idle: 1_000, idlePeer: 100 };
const small: Size = { rounds: 1, bytes: 10_000_000, echoes: 50, floodMs: 1_000, idle: 50, idlePeer: 10 };

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;
const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

async function rawPty(mode: 'read' | 'echo', argument: string): Promise<Readonly<Record<string, number>>> {
  const { stdout } = await run_('python3', [join(import.meta.dirname, 'raw-pty.py'), mode, argument]);
  return JSON.parse(stdout) as Record<string, number>;
}

/** Text as programs print it: numbered lines of 64 to 100 characters. */
function writeText(file: string, bytes: number): void {
  const words = 'the quick brown fox jumps over a lazy dog while 0123456789 sphinxes of black quartz judge my vow '.repeat(2);
  const lines: string[] = [];
  for (let size = 0, at = 0; size < bytes; at++) {
    const line = `${String(at).padStart(8, '0')} ${words.slice(at % 60, (at % 60) + 55 + (at % 37))}\n`;
    lines.push(line);
    size += line.length;
  }
  writeFileSync(file, lines.join('').slice(0, bytes - 1) + '\n');
}

/** Terminals and commands on a device, beside what a bare pty can do and beside other programs that put terminals on the web. */
export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const size = quick ? small : full;
  const world = await ProcessWorld.start();
  const closing: (() => Promise<void> | void)[] = [() => world.close()];
  try {
    const ssh = await startSshHost(world.folder);
    closing.push(() => ssh.close());
    const device = await startDevice(world);
    const candidates = [
      device,
      sshTerminals(ssh),
      await candidate('gotty', () => startGotty(world.folder)),
      await candidate('wetty', () => startWetty(world.folder)),
    ];
    const hosts = candidates.filter((one) => 'open' in one);
    for (const host of hosts) closing.push(() => host.close());
    const absent = candidates.flatMap((one) => ('absent' in one ? [one.absent] : []));
    absent.push('ttyd: no package and no module of it can be had here');
    const file = join(world.folder, 'text');
    writeText(file, size.bytes);
    const parts = [
      await throughput(hosts, file, size),
      await directEcho(size),
      await echoes(hosts, size),
      await interrupts(hosts, size),
      await prompts(hosts, size),
      await commands(device, ssh, size),
      await idle(device, hosts, size),
    ];
    return { bench: 'webtty', rows: parts.flatMap(({ rows }) => rows), targets: parts.flatMap(({ targets }) => targets), absent };
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

interface Part {
  readonly rows: readonly Row[];
  readonly targets: readonly Target[];
}

async function throughput(hosts: readonly TerminalHost[], file: string, { rounds, bytes }: Size): Promise<Part> {
  const speeds = new Map<string, number[]>([['bare pty', []]]);
  const cpu = new Map<string, { server: number[]; viewer: number[] }>();
  for (let at = 0; at < rounds; at++) {
    const raw = await rawPty('read', `cat ${file}`);
    speeds.get('bare pty')?.push((raw['bytes'] ?? 0) / 1e6 / (raw['seconds'] ?? Number.NaN));
    for (const host of hosts) {
      const { bytes: shown, seconds, serverCpu, viewerCpu } = await show(host, file);
      // The terminal puts a carriage return before each line feed.
      if (shown < bytes) throw new Error(`${host.name} showed ${shown} of ${bytes} bytes`);
      speeds.set(host.name, [...(speeds.get(host.name) ?? []), shown / 1e6 / seconds]);
      const both = cpu.get(host.name) ?? { server: [], viewer: [] };
      cpu.set(host.name, { server: [...both.server, serverCpu], viewer: [...both.viewer, viewerCpu] });
    }
  }
  const speed = (name: string): number => median(speeds.get(name) ?? []);
  const rows = [...speeds.keys()].map((who) => ({
    case: `${bytes / 1e6} MB of text`,
    who,
    'MB/s': round(speed(who), 1),
    'CPU ms/MB': who === 'bare pty' ? undefined : round(median(cpu.get(who)?.server ?? [])),
    'viewer ms/MB': who === 'bare pty' ? undefined : round(median(cpu.get(who)?.viewer ?? [])),
  }));
  const peer = hosts.some(({ name }) => name === 'wetty') ? 'wetty' : 'gotty';
  const targets = [ratio('bare pty', 0.7), ratio(peer, 1.2)];
  return { rows, targets };

  function ratio(who: string, least: number): Target {
    const measured = speed('rstream') / speed(who);
    const instead = who === 'bare pty' ? '' : ' (in place of ttyd)';
    return { name: `text on a terminal / ${who}${instead}`, target: `≥ ${least}`, measured: measured.toFixed(2), met: measured >= least };
  }
}

async function directEcho({ echoes: count }: Size): Promise<Part> {
  const host = await startDirect();
  try {
    const raw = await rawPty('echo', String(count));
    const times = await echo(host, count);
    const p50 = percentile(times, 0.5);
    return {
      rows: [
        { case: 'echo', who: 'bare pty', 'p50 ms': round(raw['p50'] ?? Number.NaN, 3), 'p99 ms': round(raw['p99'] ?? Number.NaN, 3) },
        { case: 'echo', who: 'rstream, direct pipe', 'p50 ms': round(p50, 3), 'p99 ms': round(percentile(times, 0.99), 3) },
      ],
      targets: [{ name: 'echo over a direct pipe, p50', target: '≤ 1 ms', measured: `${p50.toFixed(2)} ms`, met: p50 <= 1 }],
    };
  } finally {
    await host.close();
  }
}

async function echoes(hosts: readonly TerminalHost[], { echoes: count }: Size): Promise<Part> {
  const cases = [
    ['echo', echo, count],
    ['echo, flood on another terminal', echoBesideFlood, count / 5],
    ['echo, flood on the same terminal', echoInFlood, count / 10],
  ] as const;
  const rows: Row[] = [];
  for (const [name, measure, times] of cases) {
    for (const host of hosts) {
      const taken = await measure(host, times);
      rows.push({ case: name, who: host.name, 'p50 ms': round(percentile(taken, 0.5)), 'p99 ms': round(percentile(taken, 0.99)) });
    }
  }
  return { rows, targets: [] };
}

async function interrupts(hosts: readonly TerminalHost[], { rounds, floodMs }: Size): Promise<Part> {
  const times = new Map<string, number[]>();
  for (let at = 0; at < rounds; at++) {
    for (const host of hosts) times.set(host.name, [...(times.get(host.name) ?? []), await interrupt(host, floodMs)]);
  }
  const worst = Math.max(...(times.get('rstream') ?? []));
  return {
    rows: [...times].map(([who, taken]) => ({
      case: 'Ctrl-C in a flood, viewer at 1 MB/s',
      who,
      'p50 ms': round(median(taken), 0),
      'max ms': round(Math.max(...taken), 0),
    })),
    targets: [{ name: 'Ctrl-C to quiet, worst', target: '≤ 150 ms', measured: `${worst.toFixed(0)} ms`, met: worst <= 150 }],
  };
}

async function prompts(hosts: readonly TerminalHost[], { rounds }: Size): Promise<Part> {
  const times = new Map<string, number[]>();
  for (let at = 0; at < rounds * 4; at++) {
    for (const host of hosts) times.set(host.name, [...(times.get(host.name) ?? []), await firstPrompt(host)]);
  }
  return { rows: [...times].map(([who, taken]) => ({ case: 'first prompt', who, 'p50 ms': round(median(taken), 1) })), targets: [] };
}

async function commands(device: Device, ssh: SshHost, { rounds, bytes }: Size): Promise<Part> {
  const argv = ['head', '-c', String(2 * bytes), '/dev/zero'];
  const speeds: Record<'rstream' | 'ssh', number[]> = { rstream: [], ssh: [] };
  for (let at = 0; at < rounds; at++) {
    let started = performance.now();
    const got = await device.command(argv);
    if (got !== 2 * bytes) throw new Error(`a command gave ${got} of ${2 * bytes} bytes`);
    speeds.rstream.push((2 * bytes) / 1e3 / (performance.now() - started));
    started = performance.now();
    await run_(ssh.ssh, ssh.argv(argv), { maxBuffer: 1 << 30, encoding: 'buffer' });
    speeds.ssh.push((2 * bytes) / 1e3 / (performance.now() - started));
  }
  const speed = median(speeds.rstream);
  const what = `${(2 * bytes) / 1e6} MB of command output`;
  return {
    rows: [
      { case: what, who: 'rstream, library', 'MB/s': round(speed, 0) },
      { case: what, who: 'ssh', 'MB/s': round(median(speeds.ssh), 0) },
    ],
    targets: [{ name: 'command output, MB/s', target: '≥ 50', measured: speed.toFixed(0), met: speed >= 50 }],
  };
}

async function idle(device: Device, hosts: readonly TerminalHost[], size: Size): Promise<Part> {
  const own = await idleDevice(device, size.idle);
  const row = (who: string, { sessions, hostMiB, kibEach, childrenMiB }: typeof own): Row => ({
    case: `${sessions} idle terminals`,
    who,
    'host MiB': round(hostMiB, 0),
    'KiB each': round(kibEach, 1),
    'shells MiB': round(childrenMiB, 0),
  });
  const rows = [row('rstream', own)];
  for (const host of hosts.filter(({ name }) => name === 'gotty' || name === 'wetty'))
    rows.push(row(host.name, await idlePeer(host, size.idlePeer)));
  const met = own.hostMiB <= 300;
  return {
    rows,
    targets: [{ name: `agent with ${own.sessions} idle terminals`, target: '≤ 300 MB', measured: `${own.hostMiB.toFixed(0)} MiB`, met }],
  };
}
