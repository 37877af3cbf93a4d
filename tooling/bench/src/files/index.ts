import { copyFileSync, createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { once } from 'node:events';
import { median, type BenchOptions, type BenchResult, type Target } from '../result.ts';
import { ask, rate, timed } from './cases.ts';
import { peakMemory, startApache, startRclone, startSidecar, type FileServer } from './servers.ts';
import { startTunnel } from './tunnel.ts';

const LISTED = 10_000;
type Figures = Record<'GET MB/s' | 'PUT MB/s' | 'list ms' | 'tail ms' | 'GET/s' | 'PUT/s', number[]>;
const emptyFigures = (): Figures => ({ 'GET MB/s': [], 'PUT MB/s': [], 'list ms': [], 'tail ms': [], 'GET/s': [], 'PUT/s': [] });

interface Size {
  readonly bytes: number;
  readonly rounds: number;
  readonly milliseconds: number;
}

/** Large files, listings, ends of files and many small ones, beside Apache and rclone, interleaved; the sidecar through a tunnel, too. */
export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const size = quick ? { bytes: 64 * 2 ** 20, rounds: 1, milliseconds: 500 } : { bytes: 2 ** 30, rounds: 3, milliseconds: 2_000 };
  const folder = mkdtempSync(join(tmpdir(), 'rstream-bench-files-'));
  chmodSync(folder, 0o755);
  const closing: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    const source = join(folder, 'source');
    await writeRandom(source, size.bytes);
    const absent: string[] = [];
    const servers: FileServer[] = [];
    for (const start of [startSidecar, startApache, startRclone]) {
      try {
        const server = await start(folder);
        servers.push(server);
        closing.push(() => server.close());
        fill(server.root, source);
      } catch (error) {
        absent.push(String(error));
      }
    }
    const tunnel = await startTunnel(folder);
    closing.push(() => tunnel.close());
    fill(tunnel.server.root, source);
    servers.push(tunnel.server);
    const figures = new Map(servers.map((server) => [server.name, emptyFigures()]));
    const loop: number[] = [];
    for (let round = 0; round < size.rounds; round += 1) {
      for (const server of servers) {
        const measured = await measure(server, source, size);
        for (const [name, value] of Object.entries(measured.figures)) figures.get(server.name)?.[name as keyof Figures].push(value);
        if (measured.loop !== undefined) loop.push(measured.loop);
      }
    }
    return { bench: 'files', rows: rows(servers, figures), targets: targets({ servers, figures, loop }), absent };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function writeRandom(file: string, bytes: number): Promise<void> {
  const out = createWriteStream(file);
  for (let left = bytes; left > 0; left -= 2 ** 22) if (!out.write(randomBytes(Math.min(left, 2 ** 22)))) await once(out, 'drain');
  out.end();
  await finished(out);
}

function fill(root: string, source: string): void {
  copyFileSync(source, join(root, 'large'));
  for (const name of ['many', 'small']) {
    mkdirSync(join(root, name));
    chmodSync(join(root, name), 0o777);
  }
  for (let index = 0; index < LISTED; index += 1) writeFileSync(join(root, 'many', `file-${index}.txt`), '');
  for (let index = 0; index < 64; index += 1) writeFileSync(join(root, 'small', `${index}`), randomBytes(1024));
}

async function measure(
  server: FileServer,
  source: string,
  { bytes, milliseconds }: Size,
): Promise<{ figures: Record<keyof Figures, number>; loop: number | undefined }> {
  const agent = new Agent({ keepAlive: true });
  const speed = (taken: number): number => bytes / 1e6 / (taken / 1000);
  const body = randomBytes(1024);
  try {
    const get = await timed(() => ask(server, agent, { method: 'GET', path: '/large' }));
    const put = await timed(() => ask(server, agent, { method: 'PUT', path: '/uploaded', body: { file: source, size: bytes } }));
    if (statSync(join(server.root, 'uploaded')).size !== bytes) throw new Error(`${server.name} kept another size`);
    await ask(server, agent, { method: 'DELETE', path: '/uploaded' });
    await server.loopDelay?.();
    const list = await timed(() => ask(server, agent, { method: 'PROPFIND', path: '/many', headers: { depth: '1' } }));
    const loop = await server.loopDelay?.();
    const tail = await timed(() => ask(server, agent, { method: 'GET', path: '/large', headers: { range: 'bytes=-1024' } }));
    const gets = await rate(server, milliseconds, (index) => ({ method: 'GET', path: `/small/${index % 64}` }));
    const puts = await rate(server, milliseconds, (index) => ({ method: 'PUT', path: `/small/put-${index % 512}`, body }));
    return {
      figures: { 'GET MB/s': speed(get), 'PUT MB/s': speed(put), 'list ms': list, 'tail ms': tail, 'GET/s': gets, 'PUT/s': puts },
      loop,
    };
  } finally {
    agent.destroy();
  }
}

const round = (value: number): number => Math.round(value * 100) / 100;
const rows = (servers: readonly FileServer[], figures: ReadonlyMap<string, Figures>): Record<string, unknown>[] =>
  servers.map(({ name, pid }) => ({
    who: name,
    ...Object.fromEntries(Object.entries(figures.get(name) ?? {}).map(([figure, values]) => [figure, round(median(values))])),
    ...(pid === undefined ? {} : { 'peak MB': Math.round(peakMemory(pid)) }),
  }));

function targets({
  servers,
  figures,
  loop,
}: {
  servers: readonly FileServer[];
  figures: ReadonlyMap<string, Figures>;
  loop: readonly number[];
}): Target[] {
  const of = (who: string, figure: keyof Figures): number => median(figures.get(who)?.[figure] ?? []);
  const target = (name: string, value: number, { least, most }: { least?: number; most?: number }): Target => ({
    name,
    target: least === undefined ? `≤ ${most}` : `≥ ${least}`,
    measured: value.toFixed(2),
    met: least === undefined ? value <= (most ?? 0) : value >= least,
  });
  const [sidecar] = servers;
  const ratio = (figure: keyof Figures, who: string, over: string): number => of(who, figure) / of(over, figure);
  const apache = 'Apache mod_dav';
  return [
    ...(figures.has(apache)
      ? [
          target('GET of a large file / Apache', ratio('GET MB/s', 'sidecar', apache), { least: 0.8 }),
          target('PUT of a large file, flushed / Apache', ratio('PUT MB/s', 'sidecar', apache), { least: 0.8 }),
          target('PROPFIND of 10,000 entries, time / Apache', ratio('list ms', 'sidecar', apache), { most: 2.5 }),
          target('GET of 1 KiB, 8 at once / Apache', ratio('GET/s', 'sidecar', apache), { least: 1 }),
          target('PUT of 1 KiB, flushed, 8 at once / Apache', ratio('PUT/s', 'sidecar', apache), { least: 0.9 }),
        ]
      : []),
    target('event loop held during PROPFIND, ms', median(loop), { most: 50 }),
    target('last KiB of the large file, ms', of('sidecar', 'tail ms'), { most: 10 }),
    target('peak memory, MB', sidecar?.pid === undefined ? Number.NaN : peakMemory(sidecar.pid), { most: 120 }),
    target('large GET through the tunnel / direct', ratio('GET MB/s', 'through the tunnel', 'sidecar'), { least: 0.8 }),
    target('large PUT through the tunnel / direct', ratio('PUT MB/s', 'through the tunnel', 'sidecar'), { least: 0.8 }),
    target('small GET through the tunnel / direct', ratio('GET/s', 'through the tunnel', 'sidecar'), { least: 0.6 }),
    target('small PUT through the tunnel / direct', ratio('PUT/s', 'through the tunnel', 'sidecar'), { least: 0.6 }),
  ];
}
