import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { ProcessWorld } from '@rstream/testkit';
import { median, type BenchOptions, type BenchResult } from '../result.ts';
import { startSshHost } from '../ssh-host.ts';

const root = resolve(import.meta.dirname, '../../../..');
const BYTES = 200_000_000;

/** Runs a command to its end, counting what it prints. */
async function consume(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ seconds: number; bytes: number }> {
  const started = performance.now();
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}`);
  return { seconds: (performance.now() - started) / 1000, bytes };
}

/** A remote `true` and 200 MB of output, beside a local pipe through a multiplexer stream and beside ssh. */
export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const rounds = quick ? 1 : 5;
  const starts = quick ? 3 : 20;
  const world = await ProcessWorld.start();
  const ssh = await startSshHost(world.folder);
  try {
    await world.startDevice();
    const rstream = join(root, 'apps/cli/dist/rstream.js');
    const exec = (...args: string[]): string[] => [rstream, 'webtty', 'exec', '--url', 'rstrm://device', '-o', 'text', '--', ...args];
    const output = ['head', '-c', String(BYTES), '/dev/zero'];
    const seconds: Record<'rstream' | 'pipe' | 'ssh', number[]> = { rstream: [], pipe: [], ssh: [] };
    for (let round = 0; round < rounds; round++) {
      const runs = {
        rstream: await consume(process.execPath, exec(...output), world.env),
        pipe: await consume(
          process.execPath,
          ['--conditions=@rstream/source', join(import.meta.dirname, 'local-pipe.ts'), ...output],
          world.env,
        ),
        ssh: await consume(ssh.ssh, ssh.argv(output), world.env),
      };
      for (const [name, { seconds: taken, bytes }] of Object.entries(runs)) {
        if (bytes !== BYTES) throw new Error(`${name} delivered ${bytes} of ${BYTES} bytes`);
        seconds[name as keyof typeof seconds].push(taken);
      }
    }
    const latency: Record<'rstream' | 'node' | 'ssh', number[]> = { rstream: [], node: [], ssh: [] };
    for (let start = 0; start < starts; start++) {
      latency.rstream.push((await consume(process.execPath, exec('true'), world.env)).seconds * 1000);
      latency.node.push((await consume(process.execPath, ['-e', '0'], world.env)).seconds * 1000);
      latency.ssh.push((await consume(ssh.ssh, ssh.argv(['true']), world.env)).seconds * 1000);
    }
    const speed = (taken: readonly number[]): number => BYTES / 1e6 / median(taken);
    const toPipe = speed(seconds.rstream) / speed(seconds.pipe);
    return {
      bench: 'exec',
      rows: [
        { case: '200 MB of output', who: 'rstream webtty exec', 'MB/s': speed(seconds.rstream) },
        { case: '200 MB of output', who: 'local pipe through a mux stream', 'MB/s': speed(seconds.pipe) },
        { case: '200 MB of output', who: 'ssh, kept connection', 'MB/s': speed(seconds.ssh) },
        { case: 'run `true`', who: 'rstream webtty exec', 'p50 ms': median(latency.rstream) },
        { case: 'run `true`', who: 'ssh, kept connection', 'p50 ms': median(latency.ssh) },
        { case: 'start Node', who: 'node -e 0', 'p50 ms': median(latency.node) },
      ],
      targets: [
        { name: '200 MB of output, MB/s', target: '≥ 50', measured: speed(seconds.rstream).toFixed(0), met: speed(seconds.rstream) >= 50 },
        { name: '200 MB of output / local pipe through a mux stream', target: '≥ 0.8', measured: toPipe.toFixed(2), met: toPipe >= 0.8 },
        {
          name: 'added latency of `true` over starting Node, p50',
          target: '(reported)',
          measured: `${(median(latency.rstream) - median(latency.node)).toFixed(0)} ms`,
          met: true,
        },
      ],
    };
  } finally {
    ssh.close();
    await world.close();
  }
}
