import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { afterAll, expect, test } from 'vitest';
import { codexBlock, planCodexEntry, removeCodexEntry, type WantedEntry } from '../src/setup/codex-entry.ts';
import { tomlStatements } from '../src/setup/toml-statements.ts';

const folder = mkdtempSync(join(tmpdir(), 'rstream-codex-'));
const program = join(folder, 'rstream');
writeFileSync(program, '#!/bin/sh\n');
chmodSync(program, 0o755);
const other = join(folder, 'other');
writeFileSync(other, '#!/bin/sh\n');
chmodSync(other, 0o755);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const wanted: WantedEntry = { launch: { command: program, args: ['mcp', 'serve'] }, overrides: {} };
const plan = (source: string, { overrides = {}, force = false }: { overrides?: WantedEntry['overrides']; force?: boolean } = {}) =>
  planCodexEntry(source, { ...wanted, overrides }, { file: 'config.toml', force });
const entryOf = (source: string): Record<string, unknown> =>
  (parse(source)['mcp_servers'] as Record<string, Record<string, unknown>>)['rstream'] ?? {};

const around = `# top
model = "x" # why

[mcp_servers.docs]
command = "docs" # theirs
args = [
  "a", # first
  "[mcp_servers.rstream]",
]

# about the next one
[profiles.p]
text = """
[mcp_servers.rstream]
"""
`;
const good = `[mcp_servers.rstream]\ncommand = ${JSON.stringify(program)}\nargs = ["mcp", "serve"]\nstartup_timeout_sec = 30\ntool_timeout_sec = 300\n`;

test('an empty file gets the entry, and a second run changes nothing', () => {
  const first = plan('');
  expect(first.status).toBe('installed');
  expect(first.source).toBe(codexBlock(wanted));
  expect(plan(first.source)).toMatchObject({ status: 'already_configured', source: first.source });
});

test('everything else stays byte for byte', () => {
  const { source, status } = plan(around);
  expect(status).toBe('installed');
  expect(source.startsWith(around)).toBe(true);
  expect(removeCodexEntry(source, 'f').source.trimEnd()).toBe(around.trimEnd());
});

test.each([
  ['numbers with a fraction of nothing', good.replace('300', '300.0').replace('= 30\n', '= 30.0\n')],
  [
    'unknown keys and comments',
    `${good}# mine\nenabled_tools = ["rstream_context_list"]\n[mcp_servers.rstream.tools.x]\napproval_mode = "prompt"\n`,
  ],
  ['quoted keys in the header', good.replace('[mcp_servers.rstream]', '["mcp_servers".\'rstream\']')],
  [
    'an inline table',
    `[mcp_servers]\nrstream = { command = ${JSON.stringify(program)}, args = ["mcp", "serve"], startup_timeout_sec = 30, tool_timeout_sec = 300 }\n`,
  ],
  ['environment in a table of its own', `${good}[mcp_servers.rstream.env]\nOTHER = "1"\n`],
])('what works is left alone: %s', (_, source) => {
  expect(plan(source)).toMatchObject({ status: 'already_configured', source });
});

test.each([
  ['another program', good.replace(program, other), 'command'],
  ['other arguments', good.replace('"serve"', '"serve", "--read-only"'), 'args'],
  ['another timeout', good.replace('300', '60'), 'tool_timeout_sec'],
])('what somebody chose is a conflict, untouched, until --force: %s', (_, source, key) => {
  const conflict = plan(around + source);
  expect(conflict).toMatchObject({ status: 'conflict', source: around + source });
  expect(conflict.diagnostics.map(({ code }) => code)).toEqual(['custom_configuration', 'force_required']);
  expect(conflict.diagnostics[0]?.message).toContain(key);
  const forced = plan(around + source, { force: true });
  expect(forced.status).toBe('repaired');
  expect(entryOf(forced.source)).toEqual(entryOf(codexBlock(wanted)));
  expect(forced.source.startsWith(around)).toBe(true);
});

test('a selection that differs is a conflict, a new one is added, a stale file is dropped', () => {
  const context = (name: string) => `${good}env = { RSTREAM_CONTEXT = "${name}", OTHER = "1" }\n`;
  expect(plan(context('a'), { overrides: { RSTREAM_CONTEXT: 'b' } }).status).toBe('conflict');
  expect(plan(context('a'), { overrides: { RSTREAM_CONTEXT: 'a' } }).status).toBe('already_configured');
  const added = plan(`${good}[mcp_servers.rstream.env]\nOTHER = "1"\n`, { overrides: { RSTREAM_API_URL: 'https://x.test' } });
  expect(added.status).toBe('repaired');
  expect(entryOf(added.source)['env']).toEqual({ OTHER: '1', RSTREAM_API_URL: 'https://x.test' });
  const stale = plan(`${good}env = { RSTREAM_CONFIG = "/gone/config.yaml" }\n`);
  expect(stale.status).toBe('repaired');
  expect(entryOf(stale.source)['env']).toBeUndefined();
  expect(stale.diagnostics.map(({ code }) => code)).toContain('rstream_config_unreadable');
});

test.each([
  ['a program that is gone', good.replace(program, '/gone/rstream')],
  ['missing keys', '[mcp_servers.rstream]\n# mine\nenabled_tools = ["x"]\n'],
  ['keys of the wrong type', good.replace('["mcp", "serve"]', '"mcp serve"').replace('= 30\n', '= "30"\n')],
  ['an inline table', '[mcp_servers]\nrstream = { command = "/gone", enabled_tools = ["x"] }\n[profiles.q]\na = 1\n'],
])('what is broken is mended in place and the rest of it kept: %s', (_, source) => {
  const { status, source: after } = plan(source);
  expect(status).toBe('repaired');
  expect(entryOf(after)).toMatchObject({ command: program, args: ['mcp', 'serve'], startup_timeout_sec: 30, tool_timeout_sec: 300 });
  if (source.includes('# mine')) expect(after).toContain('# mine');
  if (source.includes('enabled_tools')) expect(entryOf(after)['enabled_tools']).toEqual(['x']);
  expect(plan(after).status).toBe('already_configured');
});

test('--force removes the sub-tables, and comments above the next table stay', () => {
  const source = `${good.replace('300', '9')}[mcp_servers.rstream.env]\nA = "1"\n\n# next\n[profiles.p]\nx = 1\n`;
  const { source: after } = plan(source, { force: true });
  expect(entryOf(after)['env']).toBeUndefined();
  expect(after).toContain('\n# next\n[profiles.p]\nx = 1\n');
});

test('a file that is not TOML, or cannot be edited safely, is refused', () => {
  expect(() => plan('a = [')).toThrow(/config\.toml:1 is not valid TOML/);
  expect(() => plan('mcp_servers = { rstream = { command = "/gone" } }\n')).toThrow(/cannot be edited safely/);
});

test('statements of any document cover it in order and never lie inside a string or array', () => {
  const key = fc.stringMatching(/^[a-z]{1,6}$/);
  const value = fc.constantFrom('1', '"x # [y]"', "'''\n[no]\n'''", '"""\n[no] = 1\n"""', '[\n 1, # [no]\n 2 ]', '{ a = "}" }');
  const block = fc.tuple(key, fc.dictionary(key, value, { maxKeys: 4 })).map(([name, entries]) => ({
    name,
    text: `[${name}]\n${Object.entries(entries)
      .map(([k, v]) => `${k} = ${v} # c\n\n`)
      .join('')}`,
    keys: Object.keys(entries),
  }));
  fc.assert(
    fc.property(fc.uniqueArray(block, { selector: ({ name }) => name, maxLength: 4 }), (blocks) => {
      const source = blocks.map(({ text }) => text).join('# between\n');
      const paths = tomlStatements(source).map(({ path }) => path.join('.'));
      expect(paths).toEqual(blocks.flatMap(({ name, keys }) => [name, ...keys.map((inner) => `${name}.${inner}`)]));
    }),
  );
});
