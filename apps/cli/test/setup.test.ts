import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { productVersion } from '@rstream/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workstation } from './support/run.ts';

let here: Workstation;
beforeEach(() => {
  here = new Workstation();
  mkdirSync(here.path('bin'));
  here.env['PATH'] = `${here.path('bin')}:${process.env['PATH'] ?? ''}`;
});
afterEach(() => {
  here.remove();
});

/** Puts a program on PATH, written in JavaScript. */
function program(name: string, script: string): string {
  const path = join(here.path('bin'), name);
  writeFileSync(path, `#!${process.execPath}\n${script}`);
  chmodSync(path, 0o755);
  return path;
}

const answering = (answers: string) => `
  const { createInterface } = require('node:readline');
  const { appendFileSync } = require('node:fs');
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    const result = (${answers})[method];
    if (id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
  });`;
const tools = ['rstream_runtime_status', 'rstream_context_list', 'rstream_webtty_list', 'rstream_webtty_exec'].map((name) => ({ name }));
const server = (version: string, list: unknown = tools) =>
  answering(
    `{ initialize: { protocolVersion: '2025-06-18', serverInfo: { name: 'rstream', version: ${JSON.stringify(version)} } }, 'tools/list': { tools: ${JSON.stringify(list)} } }`,
  );

test('codex setup makes a private file, keeps a link and the permissions of an existing one', async () => {
  const file = here.path('codex/config.toml');
  const env = { CODEX_HOME: here.path('codex') };
  expect((await here.run(['codex', 'setup'], { env })).stdout).toContain('installed');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(here.path('codex')).mode & 0o777).toBe(0o700);
  const real = here.path('real.toml');
  writeFileSync(real, '# mine\n');
  chmodSync(real, 0o640);
  symlinkSync(real, here.path('link.toml'));
  const { stdout } = await here.run(['codex', 'setup', '--config', here.path('link.toml'), '-o', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({ changed: true, status: 'installed', reload_required: true });
  expect(lstatSync(here.path('link.toml')).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, 'utf8')).toMatch(/^# mine\n\n\[mcp_servers\.rstream\]\n/);
  expect(statSync(real).mode & 0o777).toBe(0o640);
});

test('codex setup --print writes nothing and carries the selection of this terminal', async () => {
  const env = { CODEX_HOME: here.path('codex'), RSTREAM_CONTEXT: 'lab' };
  const { stdout, code } = await here.run(['codex', 'setup', '--print'], { env });
  expect(code).toBe(0);
  expect(stdout).toContain(`RSTREAM_CONFIG = "${here.config}"`);
  expect(stdout).toContain('RSTREAM_CONTEXT = "lab"');
  expect(statSync(here.path('codex'), { throwIfNoEntry: false })).toBeUndefined();
});

test('codex setup leaves a conflict alone and exits 1 with both reports', async () => {
  const file = here.path('config.toml');
  writeFileSync(file, `[mcp_servers.rstream]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ["x"]\n`);
  const before = readFileSync(file, 'utf8');
  const { code, stdout, stderr } = await here.run(['codex', 'setup', '--config', file, '-o', 'json']);
  expect({ code, status: (JSON.parse(stdout) as { status: string }).status }).toEqual({ code: 1, status: 'conflict' });
  expect(JSON.parse(stderr)).toMatchObject({ code: 'ERR_RSTREAM_SETUP_CONFLICT' });
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test.each([
  ['verified', server(productVersion), 0, {}],
  ['of another version', server('9.9.9'), 1, { message: expect.stringContaining('9.9.9') }],
  [
    'without a tool that is needed',
    server(productVersion, tools.slice(1)),
    1,
    { message: expect.stringContaining('rstream_runtime_status') },
  ],
  ['that ends at once', 'process.exit(3)', 1, { message: expect.stringContaining('exit code 3') }],
])('codex setup --verify starts the server: one %s', async (_, script, code, fields) => {
  const command = program('fake-rstream', script);
  const args = ['codex', 'setup', '--config', here.path('config.toml'), '--command', command, '--verify', '-o', 'json'];
  const outcome = await here.run(args);
  expect(outcome.code, outcome.stderr).toBe(code);
  const { status, verification } = JSON.parse(outcome.stdout) as { status: string; verification: { status: string } };
  expect(status).toBe(code === 0 ? 'installed' : 'verification_failed');
  expect(verification).toMatchObject({ status: code === 0 ? 'verified' : 'failed', ...fields });
});

test('codex setup --check asks Codex when it is there and says so when it is not', async () => {
  const args = ['codex', 'setup', '--config', here.path('config.toml'), '--check', '-o', 'json'];
  const codes = (stdout: string) => (JSON.parse(stdout) as { diagnostics: { code: string }[] }).diagnostics.map(({ code }) => code);
  here.env['PATH'] = here.path('bin');
  const absent = await here.run(args);
  expect({ code: absent.code, codes: codes(absent.stdout) }).toMatchObject({ code: 0, codes: expect.arrayContaining(['codex_not_found']) });
  program('codex', answering(`{ initialize: {}, 'mcpServerStatus/list': { data: [{ name: 'rstream', tools: { a: {}, b: {} } }] } }`));
  expect(codes((await here.run(args)).stdout)).toContain('codex_check_succeeded');
  program('codex', answering(`{ initialize: {}, 'mcpServerStatus/list': { data: [] } }`));
  const unknown = await here.run(args);
  expect({ code: unknown.code, codes: codes(unknown.stdout) }).toMatchObject({
    code: 1,
    codes: expect.arrayContaining(['codex_check_failed']),
  });
});

/** Keeps the servers that it is given in a file, and refuses a name that it has, as the real one does. */
const fakeClaude = `
  const { existsSync, readFileSync, writeFileSync } = require('node:fs');
  const file = process.env.HOME + '/claude.json';
  const servers = existsSync(file) ? JSON.parse(readFileSync(file)) : {};
  const [, , , verb, name, ...rest] = process.argv;
  const fail = (text) => { console.error(text); process.exit(1); };
  if (verb === 'get') servers[name] ? console.log('Command: ' + servers[name].join(' ')) : fail('No MCP server found');
  else if (verb === 'remove') delete servers[name];
  else if (servers[name]) fail('MCP server ' + name + ' already exists');
  else servers[name] = rest;
  writeFileSync(file, JSON.stringify(servers));`;

test('claude setup adds the server once, and again only by force', async () => {
  program('claude', fakeClaude);
  const status = async (...args: string[]) =>
    (JSON.parse((await here.run(['claude', 'setup', '-o', 'json', ...args])).stdout) as { status: string }).status;
  expect(await status()).toBe('installed');
  expect(await status()).toBe('already_configured');
  expect(await status('--force')).toBe('repaired');
  const { rstream } = JSON.parse(readFileSync(here.path('claude.json'), 'utf8')) as { rstream: string[] };
  expect(rstream.slice(0, 4)).toEqual(['--scope', 'user', '--env', `RSTREAM_CONFIG=${here.config}`]);
  expect(rstream.slice(-2)).toEqual(['mcp', 'serve']);
});

test('claude setup leaves a server of that name with another command alone', async () => {
  program('claude', fakeClaude);
  writeFileSync(here.path('claude.json'), JSON.stringify({ rstream: ['somebody else'] }));
  expect((await here.run(['claude', 'setup'])).stderr).toContain('ERR_RSTREAM_SETUP_CONFLICT');
});

test('claude setup without claude says so, and --print needs no claude', async () => {
  here.env['PATH'] = here.path('bin');
  expect((await here.run(['claude', 'setup'])).stderr).toMatch(/claude is not on PATH[\s\S]*--print/);
  const { stdout } = await here.run(['claude', 'setup', '--print', '--scope', 'project']);
  expect(stdout).toMatch(/"type": "stdio"[\s\S]*claude mcp add rstream --scope project --env RSTREAM_CONFIG=/);
});
