import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FilesWorld } from './support/files-world.ts';

/** What takes minutes and gigabytes: RSTREAM_TEST_SOAK=1. The command is the built one, as users run it: memory is measured too. */
const nodeArgs = [resolve(import.meta.dirname, '../dist/rstream.js')];

describe.runIf(process.env['RSTREAM_TEST_SOAK'] === '1')('soak', () => {
  let world: FilesWorld;
  beforeAll(async () => {
    world = await FilesWorld.start(['--fs-max-upload-size', '16GiB']);
  }, 60_000);
  afterAll(() => world.stop(), 60_000);

  const shaOf = (path: string): string => execFileSync('sha256sum', [path]).toString().slice(0, 64);
  const make = (path: string, mebibytes: number): void =>
    void execFileSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${mebibytes}`, 'status=none']);

  /** Runs a command and measures its largest memory, by asking the kernel while it runs. */
  async function measured(
    args: readonly string[],
  ): Promise<{ code: number | null; stdout: string; stderr: string; peakMiB: number; seconds: number }> {
    const started = performance.now();
    const child = spawn(process.execPath, [...nodeArgs, ...args], { env: world.here.env, cwd: world.here.folder });
    let [stdout, stderr, peak] = ['', '', 0];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const timer = setInterval(() => {
      try {
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8'))?.[1] ?? 0));
      } catch {
        // It has just ended.
      }
    }, 100);
    const [code] = (await once(child, 'close')) as [number | null];
    clearInterval(timer);
    return { code, stdout, stderr, peakMiB: Math.round(peak / 1024), seconds: Math.round(performance.now() - started) / 1000 };
  }

  const report = (name: string, facts: object): void => void process.stderr.write(`${name}: ${JSON.stringify(facts)}\n`);

  test.each(['download', 'upload'] as const)(
    'a %s of 1 GB goes on after each of 100 cuts',
    async (verb) => {
      const source = verb === 'download' ? world.remote('big') : world.here.path('big-up');
      make(source, 1024);
      world.proxy.cutEvery(8_000_000, 100);
      const args = verb === 'download' ? ['rstrm://dev/big', 'big-down'] : ['big-up', 'rstrm://dev/big-up'];
      const { stdout, ...outcome } = await measured(['webtty', 'fs', verb, ...args, '-o', 'json']);
      const { cuts } = world.proxy;
      world.proxy.cutEvery(0);
      report(`${verb} of 1 GB, cut`, { cuts, ...outcome });
      expect(outcome).toMatchObject({ code: 0 });
      expect(cuts).toBe(100);
      const target = verb === 'download' ? world.here.path('big-down') : world.remote('big-up');
      expect(shaOf(target)).toBe(shaOf(source));
      for (const path of [source, target]) rmSync(path);
      expect(stdout).toContain('"failed": []');
    },
    600_000,
  );

  test.each(['download', 'upload'] as const)(
    'a %s that was killed goes on in the next run',
    async (verb) => {
      const source = verb === 'download' ? world.remote('kill') : world.here.path('kill-up');
      make(source, 256);
      const args = verb === 'download' ? ['rstrm://dev/kill', 'kill-down'] : ['kill-up', 'rstrm://dev/kill-up'];
      world.proxy.cutEvery(128_000_000, 1);
      const child = spawn(process.execPath, [...nodeArgs, 'webtty', 'fs', verb, ...args], { env: world.here.env, cwd: world.here.folder });
      const ended = once(child, 'close');
      await world.proxy.nextCut();
      child.kill('SIGKILL');
      await ended;
      world.proxy.cutEvery(0);
      const { stdout, code } = await measured(['webtty', 'fs', verb, ...args, '-o', 'json']);
      const result = JSON.parse(stdout) as { resumed_bytes: number };
      report(`${verb} killed in the middle`, result);
      expect(code).toBe(0);
      expect(result.resumed_bytes).toBeGreaterThan(100_000_000);
      const target = verb === 'download' ? world.here.path('kill-down') : world.remote('kill-up');
      expect(shaOf(target)).toBe(shaOf(source));
      for (const path of [source, target]) rmSync(path);
    },
    300_000,
  );

  test('a file of 8 GB goes up and down within 128 MB of memory', async () => {
    make(world.here.path('huge'), 8192);
    const up = await measured(['webtty', 'fs', 'upload', 'huge', 'rstrm://dev/huge', '-o', 'json']);
    report('upload of 8 GB', up);
    expect(up).toMatchObject({ code: 0 });
    const sum = shaOf(world.here.path('huge'));
    rmSync(world.here.path('huge'));
    const down = await measured(['webtty', 'fs', 'download', 'rstrm://dev/huge', 'huge', '-o', 'json']);
    report('download of 8 GB', down);
    expect(down).toMatchObject({ code: 0 });
    rmSync(world.remote('huge'));
    expect(shaOf(world.here.path('huge'))).toBe(sum);
    rmSync(world.here.path('huge'));
    expect(up.peakMiB).toBeLessThan(128);
    expect(down.peakMiB).toBeLessThan(128);
  }, 1_200_000);

  test('100,000 files are listed, synchronised up and down, and found unchanged', async () => {
    const many = world.here.path('many');
    for (let folder = 0; folder < 10; folder += 1) {
      mkdirSync(`${many}/${folder}`, { recursive: true });
      for (let file = 0; file < 10_000; file += 1) writeFileSync(`${many}/${folder}/file-${file}`, `${folder} ${file}`);
    }
    const sync = ['webtty', 'fs', 'sync', '-o', 'json', '--concurrency', '8'];
    const up = await measured([...sync, 'many', 'rstrm://dev/many']);
    report('sync up of 100,000', up);
    expect(JSON.parse(up.stdout)).toMatchObject({ files: 100_000, failed: [] });
    const again = await measured([...sync, 'many', 'rstrm://dev/many']);
    report('sync up of 100,000 unchanged', again);
    expect(JSON.parse(again.stdout)).toMatchObject({ files: 0, kept: 100_000 });
    const tree = await measured(['webtty', 'fs', 'tree', 'rstrm://dev/many', '-o', 'json']);
    report('tree of 100,000', { ...tree, stdout: tree.stdout.length });
    expect(JSON.parse(tree.stdout)).toHaveLength(100_010);
    const down = await measured([...sync, 'rstrm://dev/many', 'many-down']);
    report('sync down of 100,000', down);
    expect(JSON.parse(down.stdout)).toMatchObject({ files: 100_000, failed: [] });
    execFileSync('diff', ['-r', many, world.here.path('many-down')]);
  }, 2_400_000);
});
