import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentArguments } from '../src/device-agent/arguments.ts';
import { appScript, file, gone, World } from './support/world.ts';
import { Workstation } from './support/run.ts';

let here: Workstation;

/** Stands for rstream-agent: writes down what it was given and that it was told to stop. */
const standIn = `
const { readFileSync, writeFileSync, statSync } = require('node:fs');
const at = process.argv.indexOf('--token-file');
const path = process.argv[at + 1];
const seen = at === -1 ? {} : { path, token: readFileSync(path, 'utf8').trim(), mode: statSync(path).mode & 0o777 };
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => { writeFileSync(process.env.SEEN + '.' + name, ''); process.exit(7); });
writeFileSync(process.env.SEEN, JSON.stringify({ args: process.argv.slice(2), env: process.env, ...seen }));
setInterval(() => {}, 1000);
`;

interface Seen {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly path: string;
  readonly token: string;
  readonly mode: number;
}

beforeEach(async () => {
  here = new Workstation();
  writeFileSync(here.path('agent.cjs'), standIn);
  writeFileSync(here.path('token'), 'super-secret', { mode: 0o600 });
  await here.run(['context', 'create', 'home', '--engine', 'h.test:443', '--token-file', here.path('token'), '--no-api-url', '--default']);
});
afterEach(() => {
  here.remove();
});

const environment = () => ({ RSTREAM_AGENT_BIN: here.path('agent.cjs'), SEEN: here.path('seen') });

async function seen(): Promise<Seen> {
  for (;;) {
    await file(here.path('seen'));
    const text = readFileSync(here.path('seen'), 'utf8');
    if (text !== '') return JSON.parse(text) as Seen;
  }
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'webtty server hands engine, credential and options over, forwards %s, ends as the agent does and leaves no credential behind',
  async (signal) => {
    const options = ['--rstream', '--name', 'pi', '--label', 'site=lab', '--allow-terminal', '--new-option=1'];
    const child = here.start(['webtty', 'server', ...options], { ...environment(), RSTREAM_CONTROL_PLANE_HEADERS: '{"x":"y"}' });
    const { args, env, path, token, mode } = await seen();
    expect(args).toEqual(['run', '--engine', 'h.test:443', '--token-file', path, ...options.slice(1)]);
    expect({ token, mode }).toEqual({ token: 'super-secret', mode: 0o600 });
    expect(JSON.stringify([args, env])).not.toContain('super-secret');
    expect(Object.keys(env)).not.toContain('RSTREAM_CONTROL_PLANE_HEADERS');
    const end = once(child, 'close') as Promise<[number | null]>;
    child.kill(signal);
    expect((await end)[0]).toBe(7);
    await file(`${here.path('seen')}.${signal}`);
    await gone(path);
  },
);

test('a stored credential is not handed over for another engine', async () => {
  const { code, stderr } = await here.run(['webtty', 'server', '--name', 'pi', '--engine', 'evil.test:443'], { env: environment() });
  expect(code).toBe(1);
  expect(stderr).toContain('ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE');
});

test('without the agent it says how to install it, and exits 127', async () => {
  const { code, stderr } = await here.run(['webtty', 'server', '--name', 'pi'], { env: { RSTREAM_AGENT_BIN: here.path('nothing') } });
  expect(code).toBe(127);
  expect(stderr).toMatch(/ERR_RSTREAM_AGENT_NOT_FOUND[\s\S]*npm install --global rstream-agent/);
});

test('options for a server that listens by itself are refused', () => {
  const none = { engine: undefined, tokenFile: undefined, caFile: undefined, logLevel: undefined };
  expect(() => agentArguments(['--listen', '127.0.0.1:80'], none)).toThrow('--listen is for a server that listens by itself');
  expect(agentArguments(['--engine=e', '--token-file', 't'], { ...none, engine: 'x', tokenFile: 'y' })).toEqual([
    'run',
    '--engine=e',
    '--token-file',
    't',
  ]);
});

test('the real agent serves with the context of the command line', async () => {
  const world = await World.open();
  const launcher = world.path('agent');
  writeFileSync(launcher, `#!/bin/sh\nexec '${process.execPath}' --conditions=@rstream/source '${appScript('agent')}' "$@"\n`);
  chmodSync(launcher, 0o755);
  const ready = world.path('ready');
  const child = world.start(['webtty', 'server', '--name', 'here', '--ready-file', ready, '-o', 'json'], { RSTREAM_AGENT_BIN: launcher });
  child.stdout.resume();
  child.stderr.resume();
  await file(ready);
  expect((await world.run(['webtty', 'exec', '--url', 'rstrm://here', '-o', 'text', '--', 'echo', 'served'])).stdout).toBe('served\n');
  const end = once(child, 'close') as Promise<[number | null]>;
  child.kill('SIGTERM');
  expect((await end)[0]).toBe(0);
  await world.close();
}, 60_000);
