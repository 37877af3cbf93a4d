import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { ProcessWorld } from '@rstream/testkit';
import { median, type BenchOptions, type BenchResult } from '../result.ts';
import { startSshHost, type SshHost } from '../ssh-host.ts';

const root = resolve(import.meta.dirname, '../../../..');
const require = createRequire(import.meta.url);

interface Server {
  readonly name: string;
  readonly args: readonly string[];
}

const strings = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));

async function connected({ args }: Server, env: NodeJS.ProcessEnv): Promise<Client> {
  const client = new Client({ name: 'bench', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [...args], env: strings(env), stderr: 'ignore' }));
  return client;
}

/** Milliseconds from spawning the server to its answer to `tools/list`. */
async function startUp(server: Server, env: NodeJS.ProcessEnv): Promise<number> {
  const started = performance.now();
  const client = await connected(server, env);
  await client.listTools();
  const elapsed = performance.now() - started;
  await client.close();
  return elapsed;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The published filesystem server of the protocol's own project, as its bin starts it. */
function referenceServer(folder: string): Server {
  const manifest = require.resolve('@modelcontextprotocol/server-filesystem/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  return { name: 'server-filesystem (npm)', args: [join(dirname(manifest), Object.values(bin)[0] ?? ''), folder] };
}

/** Start-up beside the reference server, and what a remote command costs beside `ssh` on a kept connection. */
export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const rounds = quick ? 3 : 15;
  const calls = quick ? 5 : 60;
  const world = await ProcessWorld.start();
  let ssh: SshHost | undefined;
  try {
    await world.startDevice();
    const ours: Server = { name: 'rstream mcp serve', args: [join(root, 'apps/cli/dist/rstream.js'), 'mcp', 'serve'] };
    const reference = referenceServer(world.folder);
    const starts = { ours: [] as number[], reference: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      starts.ours.push(await startUp(ours, world.env));
      starts.reference.push(await startUp(reference, world.env));
    }

    ssh = await startSshHost(world.folder);
    const client = await connected(ours, world.env);
    const exec = (): Promise<unknown> =>
      client.callTool({ name: 'rstream_webtty_exec', arguments: { url: 'rstrm://device', command: ['true'] } });
    await exec();
    const durations = { ours: [] as number[], ssh: [] as number[] };
    for (let call = 0; call < calls; call++) {
      durations.ours.push(await timed(exec));
      durations.ssh.push(await timed(() => ssh?.run(['true']) ?? Promise.resolve()));
    }
    await client.close();

    const ratio = median(starts.ours) / median(starts.reference);
    const overhead = median(durations.ours) - median(durations.ssh);
    return {
      bench: 'mcp',
      rows: [
        { case: 'spawn to tools/list', who: ours.name, 'p50 ms': median(starts.ours), 'min ms': Math.min(...starts.ours) },
        { case: 'spawn to tools/list', who: reference.name, 'p50 ms': median(starts.reference), 'min ms': Math.min(...starts.reference) },
        { case: 'run `true` there', who: 'rstream_webtty_exec', 'p50 ms': median(durations.ours), 'min ms': Math.min(...durations.ours) },
        { case: 'run `true` there', who: 'ssh, kept connection', 'p50 ms': median(durations.ssh), 'min ms': Math.min(...durations.ssh) },
      ],
      targets: [
        { name: 'spawn to tools/list / reference server', target: '≤ 0.6', measured: ratio.toFixed(2), met: ratio <= 0.6 },
        { name: 'exec call − ssh host true, p50', target: '(reported)', measured: `${overhead.toFixed(1)} ms`, met: true },
      ],
    };
  } finally {
    ssh?.close();
    await world.close();
  }
}
