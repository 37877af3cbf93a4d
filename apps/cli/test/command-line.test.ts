import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workstation } from './support/run.ts';

let here: Workstation;
beforeEach(() => {
  here = new Workstation();
});
afterEach(() => {
  here.remove();
});

test.concurrent.each([
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  [['--help'], 0, /rstream forward 3000/, /^$/],
  [['forward', '--help'], 0, /--no-publish[\s\S]*Global options:[\s\S]*Examples:/, /^$/],
  [['contxt'], 2, /^$/, /ERR_RSTREAM_USAGE: Unknown command 'contxt' \(Did you mean context\?\)/],
  [['context', 'lst'], 2, /^$/, /Did you mean one of list, ls\?/],
  [['context'], 2, /^$/, /"rstream context" needs a verb\.\n {2}next: .*rstream context --help/],
  [['version', '--outptu'], 2, /^$/, /Did you mean --output\?/],
  [['forward', '--http', '--tls'], 2, /^$/, /--http and --tls exclude each other/],
  [['forward', 'x:y'], 2, /^$/, /is not PORT or HOST:PORT/],
  [['forward', '--tcp', '--no-publish'], 2, /^$/, /must be published/],
  [['webtty', 'exec', '--', 'true'], 2, /^$/, /Say which device/],
  [['webtty', 'exec', '--timeout', 'soon', '--url', 'rstrm://x', '--', 'true'], 2, /^$/, /not a duration/],
  [['tunnel', 'list'], 1, /^$/, /ERR_RSTREAM_CONTEXT_REQUIRED[\s\S]*next: Create one: rstream context create/],
  [['-l', 'loud', 'version'], 2, /^$/, /Allowed choices are debug, info/],
] as const)('rstream %j exits %i', async (args, code, stdout, stderr) => {
  const alone = new Workstation();
  const outcome = await alone.run(args);
  alone.remove();
  expect(outcome.code, outcome.stderr).toBe(code);
  expect(outcome.stdout).toMatch(stdout);
  expect(outcome.stderr).toMatch(stderr);
});

test('with -o json an error is one JSON object on stderr', async () => {
  for (const args of [
    ['tunnel', 'list', '-o', 'json'],
    ['tunnel', 'list', '--output=json', '--nope'],
  ]) {
    const { stderr, stdout, code } = await here.run(args);
    expect(code).not.toBe(0);
    expect(stdout).toBe('');
    expect(Object.keys(JSON.parse(stderr) as object)).toEqual(['code', 'message', 'next']);
  }
});

test('contexts are made, shown without secrets, changed and removed', async () => {
  writeFileSync(here.path('token'), 'super-secret\n', { mode: 0o600 });
  const create = ['context', 'create', 'home', '--engine', 'h.test:443', '--token-file', here.path('token'), '--no-api-url', '--default'];
  expect(await here.run(create)).toMatchObject({ code: 0, stdout: '', stderr: '' });
  const piped = await here.run(['context', 'create', 'work', '--engine', 'w.test', '--token-stdin', '-o', 'json'], {
    input: 'other-secret',
  });
  expect(JSON.parse(piped.stdout)).toEqual({ name: 'work', default: false, engine: 'w.test', hasToken: true });
  const list = await here.run(['ctx', 'ls', '-o', 'json']);
  expect(JSON.parse(list.stdout)).toEqual([
    { name: 'home', default: true, engine: 'h.test:443', hasToken: true },
    { name: 'work', default: false, engine: 'w.test', hasToken: true },
  ]);
  expect((await here.run(['context', 'use', 'work'])).code).toBe(0);
  expect((await here.run(['context', 'get'])).stdout).toBe('name: work\ndefault: true\nengine: w.test\nhasToken: true\n');
  const table = await here.run(['context', 'list', '--config', here.config]);
  expect(table.stdout).toMatch(/\*\s+work\s+w\.test/);
  expect((await here.run(['context', 'update', 'work', '--engine', 'v.test:1'])).code).toBe(0);
  expect((await here.run(['context', 'delete', 'home'])).code).toBe(0);
  const all = [piped, list, table].map(({ stdout, stderr }) => stdout + stderr).join('');
  expect(all).not.toMatch(/secret/);
  expect(await readFile(here.config, 'utf8')).toMatch(/v\.test:1[\s\S]*other-secret/);
  expect(await readFile(here.config, 'utf8')).not.toContain('super-secret');
});

test('a token file that others can read is refused with the command that mends it', async () => {
  writeFileSync(here.path('token'), 'super-secret', { mode: 0o644 });
  const outcome = await here.run(['context', 'create', 'home', '--engine', 'h.test:443', '--token-file', here.path('token')]);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining(`chmod 600 ${here.path('token')}`) });
  expect(outcome.stderr).not.toContain('secret');
});

test('a broken configuration is reported with its line', async () => {
  writeFileSync(here.config, 'version: 1\ncontexts: [\n', { mode: 0o600 });
  expect((await here.run(['context', 'list'])).stderr).toMatch(/ERR_RSTREAM_CONFIG_INVALID: .*config\.yaml:[23]: /);
});

test('a stored token is not sent to an engine from the environment', async () => {
  writeFileSync(here.path('token'), 'super-secret', { mode: 0o600 });
  await here.run(['context', 'create', 'home', '--engine', 'h.test:443', '--token-file', here.path('token')]);
  const outcome = await here.run(['tunnel', 'list', '-o', 'json'], { env: { RSTREAM_ENGINE: '127.0.0.1:9' } });
  expect(JSON.parse(outcome.stderr)).toMatchObject({ code: 'ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE' });
});

test('doctor reports every check, skips what has no ground and fails when something is wrong', async () => {
  const { code, stdout } = await here.run(['doctor', '-o', 'json']);
  const report = JSON.parse(stdout) as { checks: { name: string; status: string }[]; summary: object };
  expect(code).toBe(1);
  expect(Object.fromEntries(report.checks.map(({ name, status }) => [name, status]))).toEqual({
    config: 'warn',
    context: 'fail',
    token: 'skip',
    control_plane_auth: 'skip',
    project: 'skip',
    engine_address: 'skip',
    dns: 'skip',
    tls: 'skip',
    quic_transport: 'skip',
    engine_session: 'skip',
    engine_clients: 'skip',
    engine_tunnels: 'skip',
  });
  expect(report.summary).toEqual({ pass: 0, warn: 1, fail: 1, skip: 10 });
});

test.each(['', 'http://x:99999', 'ftp://h.test', 'http://h.test/path'])(
  'an engine address that cannot work is refused at once: %j',
  async (engine) => {
    const { code, stderr } = await here.run(['context', 'create', 'broken', '--engine', engine]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain('ERR_RSTREAM_ENGINE_INVALID');
  },
);
