import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createContext,
  deleteContext,
  listContexts,
  loadConfig,
  parseConfig,
  readTokenFile,
  updateConfig,
  updateContext,
  useContext,
  withFileLock,
  writeFileAtomic,
} from '../src/index.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rstream-config-'));
  path = join(folder, 'sub', 'config.yaml');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const engine = 'home.test:443';
const rejection = (work: Promise<unknown>): Promise<{ code?: string; message: string }> =>
  work.then(
    () => expect.fail('should have failed'),
    (error: { code?: string; message: string }) => error,
  );

test('a missing file is an empty configuration and is not made by reading it', async () => {
  expect((await loadConfig(path)).exists).toBe(false);
  expect(existsSync(path)).toBe(false);
});

test('a new file is 0600 in a folder that is 0700', async () => {
  await updateConfig(path, (config) => createContext(config, 'home', { engine, token: 'secret' }));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'sub')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(folder, 'sub'))).toEqual(['config.yaml']);
});

test('a change makes a file that others could read private', async () => {
  await updateConfig(path, (config) => createContext(config, 'home', { engine }));
  chmodSync(path, 0o644);
  expect((await loadConfig(path)).readableByOthers).toBe(true);
  await updateConfig(path, (config) => createContext(config, 'other', { engine }));
  expect((await loadConfig(path)).readableByOthers).toBe(false);
});

test('create, update, use and delete do what they say', async () => {
  await updateConfig(path, (config) => createContext(config, 'a', { engine }));
  await updateConfig(path, (config) => createContext(config, 'b', { engine: 'b:1', apiUrl: 'https://x.test', token: 't', caFile: '/ca' }));
  await updateConfig(path, (config) => useContext(config, { name: 'b' }));
  await updateConfig(path, (config) => updateContext(config, { name: 'b' }, { engine: 'c:2', apiUrl: null }));
  expect(listContexts((await loadConfig(path)).config)).toEqual([
    { name: 'a', default: false, engine, hasToken: false },
    { name: 'b', default: true, engine: 'c:2', hasToken: true },
  ]);
  await updateConfig(path, (config) => deleteContext(config, { name: 'b' }));
  const { config } = await loadConfig(path);
  expect(listContexts(config).map(({ name }) => name)).toEqual(['a']);
  expect(config.defaults?.context).toBeUndefined();
});

test('the first context becomes the default, a later one only when asked', async () => {
  await updateConfig(path, (config) => createContext(config, 'a', { engine }));
  await updateConfig(path, (config) => createContext(config, 'b', { engine }));
  expect(listContexts((await loadConfig(path)).config).map((context) => context.default)).toEqual([true, false]);
  await updateConfig(path, (config) => createContext(config, 'c', { engine, makeDefault: true }));
  expect(listContexts((await loadConfig(path)).config).map((context) => context.default)).toEqual([false, false, true]);
});

test('comments, unknown keys and order survive every change', async () => {
  const source = [
    '# mine',
    'version: 1',
    'future: { a: [1, 2] }   # keep me',
    'contexts:',
    '  # the house',
    '  - name: home # here',
    '    engine: home.test:443',
    '    transport: { mode: quic }',
    'defaults: { context: { name: home } }',
    '',
  ].join('\n');
  await writeFileAtomic(path, source);
  await updateConfig(path, (config) => updateContext(config, { name: 'home' }, { token: 't' }));
  await updateConfig(path, (config) => updateContext(config, { name: 'home' }, { token: null }));
  const after = readFileSync(path, 'utf8');
  for (const kept of ['# mine', 'future: { a: [ 1, 2 ] }', '# keep me', '# the house', '# here', 'mode: quic'])
    expect(after).toContain(kept);
  expect(after).not.toContain('value');
});

test('nothing is written when nothing changes or the change fails', async () => {
  await updateConfig(path, (config) => createContext(config, 'a', { engine }));
  const { mtimeMs, ino } = statSync(path);
  await updateConfig(path, (config) => useContext(config, { name: 'a' }));
  const error = await rejection(updateConfig(path, (config) => createContext(config, 'a', { engine })));
  expect(error.code).toBe('ERR_RSTREAM_CONTEXT_EXISTS');
  expect(statSync(path)).toMatchObject({ mtimeMs, ino });
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test.each([
  ['contexts:\n  - name: a\n    engine: [', 3],
  ['version: 1\ncontexts:\n  - name: a\n    engine: 5\n', 4],
  ['version: 1\ncontexts:\n  - engine: x\n', 3],
  ['version: 2\n', 1],
  ['version: 1\nversion: 1\n', 2],
])('names the line of what it cannot understand: %j', (source, line) => {
  expect(() => parseConfig(source, 'f.yaml')).toThrow(new RegExp(`^f\\.yaml:${line}: `));
});

test('a file that is too large, a folder, or an alias bomb is refused', async () => {
  await writeFileAtomic(path, `a: ${'x'.repeat(1_100_000)}`);
  expect((await rejection(loadConfig(path))).code).toBe('ERR_RSTREAM_CONFIG_INVALID');
  expect((await rejection(loadConfig(folder))).code).toBe('ERR_RSTREAM_CONFIG_UNREADABLE');
  const bomb = [
    'a: &a [1,1,1,1,1,1,1,1,1]',
    ...'bcdefgh'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefg'[at]},`.repeat(9)}]`),
  ];
  expect(() => parseConfig(bomb.join('\n'), 'f')).toThrow(/^f uses aliases/);
});

test('a symbolic link stays one, and its target is what changes', async () => {
  const real = join(folder, 'real.yaml');
  const link = join(folder, 'link.yaml');
  writeFileSync(real, 'version: 1\n');
  symlinkSync(real, link);
  await updateConfig(link, (config) => createContext(config, 'a', { engine }));
  expect(readFileSync(real, 'utf8')).toContain('name: a');
  expect(statSync(link).ino).toBe(statSync(real).ino);
});

test('changes at the same time are all kept', async () => {
  const names = Array.from({ length: 20 }, (_, at) => `c${at}`);
  await Promise.all(names.map((name) => updateConfig(path, (config) => createContext(config, name, { engine }))));
  expect(
    listContexts((await loadConfig(path)).config)
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(names.toSorted());
});

test('a lock that is held ends in an error that names the holder', async () => {
  await withFileLock(path, async () => {
    const error = await rejection(withFileLock(path, async () => {}, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: 'ERR_RSTREAM_CONFIG_LOCKED', message: expect.stringContaining(String(process.pid)) });
  });
});

test('a lock of a dead process, or of another process with a reused number, is removed', async () => {
  await updateConfig(path, (config) => createContext(config, 'a', { engine }));
  for (const holder of [
    { pid: 4_194_000, nonce: 'x' },
    { pid: process.pid, started: '1', nonce: 'y' },
  ]) {
    writeFileSync(`${path}.lock`, JSON.stringify(holder));
    await withFileLock(path, async () => {}, { timeoutMs: 1_000 });
    expect(existsSync(`${path}.lock`)).toBe(false);
  }
});

test('a writer killed at any moment leaves the old file or the new one, and the next writer goes on', async () => {
  const script = `
    import { updateConfig, createContext } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};
    let at = 0;
    process.stdout.write('ready\\n');
    for (;;) { const name = process.pid + '-' + at++; await updateConfig(${JSON.stringify('PATH')}, (c) => createContext(c, name, { engine: 'x:1', token: 'tok' })); }
  `.replace('"PATH"', JSON.stringify(path));
  const file = join(folder, 'writer.mts');
  writeFileSync(file, script);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60 }), async (delay) => {
      const child = spawn(process.execPath, ['--conditions=@rstream/source', file], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await once(child, 'exit');
      await updateConfig(path, (config) => createContext(config, `after-${child.pid ?? 0}`, { engine }));
      const left = readdirSync(join(folder, 'sub'));
      expect(left).toEqual(['config.yaml']);
    }),
    { numRuns: 6 },
  );
});

test('a token file must be private and hold one token', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, ' abc.def \n', { mode: 0o600 });
  expect(await readTokenFile(file)).toBe('abc.def');
  chmodSync(file, 0o640);
  expect(await rejection(readTokenFile(file))).toMatchObject({ code: 'ERR_RSTREAM_TOKEN_FILE_UNSAFE', next: `Run: chmod 600 ${file}` });
  chmodSync(file, 0o600);
  writeFileSync(file, 'two words');
  const error = await rejection(readTokenFile(file));
  expect(error.code).toBe('ERR_RSTREAM_TOKEN_MALFORMED');
  expect(error.message).not.toContain('two words');
  expect((await rejection(readTokenFile(join(folder, 'none')))).code).toBe('ERR_RSTREAM_AUTH_REQUIRED');
});
