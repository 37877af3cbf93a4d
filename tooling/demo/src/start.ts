/* `npm start`: boots the hosted process, one device and a sample web service as real processes on loopback, does the main job
   through a real MCP client on `rstream mcp serve`, and stays up to be played with. `--once` ends after the job. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify, styleText } from 'node:util';
import type { Ready } from '@rstream/protocol/control';
import { mainJob } from './job.ts';
import { readyFile, start, stopAll } from './processes.ts';

const root = resolve(import.meta.dirname, '../../..');
const once = process.argv.includes('--once');
const BOOT_DEADLINE_MS = 60_000;
const run = promisify(execFile);
const paint = (style: Parameters<typeof styleText>[0], text: string): string => (process.stdout.isTTY ? styleText(style, text) : text);
const say = (text = ''): void => console.log(text);

const app = (name: 'rstream' | 'rstream-agent' | 'rstream-hosted'): string =>
  join(root, 'apps', { rstream: 'cli', 'rstream-agent': 'agent', 'rstream-hosted': 'hosted' }[name], 'dist', `${name}.js`);

/** 8080 when it is free, so that the addresses are easy to remember; else any port. */
async function freePort(): Promise<number> {
  const listen = (port: number): Promise<number | undefined> =>
    new Promise((done) => {
      const probe = createServer();
      probe.once('error', () => done(undefined));
      probe.listen(port, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => done(address !== null && typeof address === 'object' ? address.port : undefined));
      });
    });
  return (await listen(8080)) ?? (await listen(0)) ?? 0;
}

async function boot(home: string, signal: AbortSignal) {
  const env = { ...process.env, HOME: home, RSTREAM_CONFIG: join(home, 'config.yaml') };
  const port = await freePort();
  const data = join(home, 'hosted');
  const hosted = start(
    'rstream-hosted',
    [
      process.execPath,
      app('rstream-hosted'),
      'serve',
      '--listen',
      `127.0.0.1:${port}`,
      '--base-host',
      `rstream.localhost:${port}`,
      '--data-dir',
      data,
      '--metrics-listen',
      '127.0.0.1:0',
    ],
    env,
  );
  const ready = await readyFile<Ready>(hosted, join(data, 'ready.json'), signal);

  const deviceToken = join(home, 'device.token');
  await run(
    process.execPath,
    [
      app('rstream-hosted'),
      'token',
      'create',
      '--data-dir',
      data,
      '--project',
      ready.project,
      '--permission',
      'tunnels.tunnels.create-delete',
      '--name',
      'demo-device',
      '--out',
      deviceToken,
    ],
    { env, signal },
  );
  chmodSync(deviceToken, 0o600);
  const deviceReady = join(home, 'device.json');
  const agent = start(
    'rstream-agent',
    [
      process.execPath,
      app('rstream-agent'),
      'run',
      '--engine',
      ready.engine,
      '--token-file',
      deviceToken,
      '--name',
      'demo-device',
      '--label',
      'role=demo',
      '--ready-file',
      deviceReady,
    ],
    env,
  );
  const serviceReady = join(home, 'service.json');
  const service = start('sample service', [process.execPath, join(root, 'tooling/demo/src/service.ts'), serviceReady], env);
  await readyFile(agent, deviceReady, signal);
  const { port: servicePort } = await readyFile<{ port: number }>(service, serviceReady, signal);

  await run(
    process.execPath,
    [
      app('rstream'),
      'context',
      'create',
      'demo',
      '--engine',
      ready.engine,
      '--project-endpoint',
      ready.project,
      '--api-url',
      ready.apiUrl,
      '--token-file',
      ready.ownerTokenFile,
      '--default',
    ],
    { env, signal },
  );
  return { env, ready, deviceToken, servicePort };
}

function invite(world: Awaited<ReturnType<typeof boot>>, url: string, home: string): void {
  const config = join(home, 'config.yaml');
  const rstream = join(root, 'bin', 'rstream');
  say();
  say(paint('bold', 'Everything stays up. Play with it:'));
  say(`  the published page     ${paint('cyan', url)}`);
  say(`  owner token            ${world.ready.ownerTokenFile}`);
  say(`  device token           ${world.deviceToken}`);
  if (world.ready.metricsUrl !== undefined) say(`  metrics                ${world.ready.metricsUrl}`);
  say();
  say(paint('bold', 'Give it to a coding agent:'));
  say(`  RSTREAM_CONFIG=${config} ${rstream} codex setup`);
  say(`  RSTREAM_CONFIG=${config} ${rstream} claude setup`);
  say();
  say(paint('bold', 'Try it by hand:'));
  say(`  export RSTREAM_CONFIG=${config}`);
  say(`  ${rstream} webtty list`);
  say(`  ${rstream} webtty exec --url rstrm://demo-device -o text -- uname -a`);
  say(`  ${rstream} forward ${world.servicePort} --name second`);
  say(`  ${rstream} tunnel list`);
  say();
  say('Ctrl-C takes everything down and removes it.');
}

async function main(): Promise<number> {
  const stop = new AbortController();
  const interrupted = new Promise<void>((done) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        stop.abort(new Error('stopped'));
        done();
      });
    }
  });
  const home = mkdtempSync(join(tmpdir(), 'rstream-demo-'));
  try {
    const started = performance.now();
    const world = await boot(home, AbortSignal.any([stop.signal, AbortSignal.timeout(BOOT_DEADLINE_MS)]));
    say(`hosted, device and sample service are up (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    say();
    const job = await mainJob({
      command: [process.execPath, app('rstream'), 'mcp', 'serve'],
      env: world.env,
      servicePort: world.servicePort,
      signal: stop.signal,
      show: (step, milliseconds, text) => {
        say(`${paint('green', '✓')} ${step.padEnd(34)} ${paint('dim', `${milliseconds.toFixed(0)} ms`.padStart(8))}`);
        if (text !== '') say(text.replaceAll(/^/gm, '    '));
      },
    });
    try {
      if (!once) {
        invite(world, job.url, home);
        await interrupted;
        say('\nstopping …');
      }
    } finally {
      await job.close();
    }
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    console.error(`npm start: ${error instanceof Error ? error.message : String(error)}`);
    console.error('  next: the lines above name the step; `npm test` shows whether the checkout is sound.');
    return 1;
  } finally {
    await stopAll();
    rmSync(home, { recursive: true, force: true });
  }
}

process.exitCode = await main();
