import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { createSidecar } from '@rstream/webdav-sidecar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sweepTree } from '../src/remnants.ts';
import { Root } from '../src/root.ts';
import { litter, snapshot, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());
beforeEach(() => {
  for (const name of readdirSync(world.root)) rmSync(join(world.root, name), { recursive: true });
  mkdirSync(join(world.root, 'tree', 'deep'), { recursive: true });
  world.file('tree/one', '1');
  world.file('tree/deep/two', '2');
  mkdirSync(join(world.root, 'other'));
  world.file('other/three', '3');
  world.file('file', 'f');
});

const to = (path: string, headers: Record<string, string> = {}) => ({ headers: { destination: `${world.url}/${path}`, ...headers } });
const names = (folder = ''): string[] => (readdirSync(join(world.root, folder), { recursive: true }) as string[]).sort();

describe('COPY and MOVE', () => {
  it('take a folder along with all in it', async () => {
    expect((await world.ask('COPY', '/fs/tree', to('copied'))).status).toBe(201);
    expect((await world.ask('MOVE', '/fs/tree/', to('moved/'))).status).toBe(201);
    for (const folder of ['copied', 'moved']) expect(names(folder)).toEqual(['deep', 'deep/two', 'one']);
    expect(world.has('tree')).toBe(false);
    expect(litter(world.root)).toEqual([]);
  });

  it('COPY with Depth 0 makes the folder alone', async () => {
    expect((await world.ask('COPY', '/fs/tree', to('alone', { depth: '0' }))).status).toBe(201);
    expect(names('alone')).toEqual([]);
  });

  it.each([
    ['tree', 'other', ['deep', 'deep/two', 'one']],
    ['file', 'other', undefined],
    ['tree', 'file', ['deep', 'deep/two', 'one']],
  ])('%s replaces %s as a whole', async (from, onto, expected) => {
    for (const method of ['COPY', 'MOVE']) {
      expect((await world.ask(method, `/fs/${from}`, to(onto, { overwrite: 'F' }))).status).toBe(412);
      expect((await world.ask(method, `/fs/${from}`, to(onto))).status).toBe(204);
      if (expected === undefined) expect(world.content(onto)).toBe('f');
      else expect(names(onto)).toEqual(expected);
    }
    expect(litter(world.root)).toEqual([]);
  });

  it.each([
    ['tree', 'tree', 403],
    ['tree', 'tree/deep/inner', 403],
    ['tree/deep/two', 'tree', 403],
    ['tree/deep', 'tree', 403],
    ['missing', 'x', 404],
    ['file', 'missing/x', 409],
    ['file', 'file/x', 409],
  ])('%s to %s is %i and loses nothing', async (from, onto, status) => {
    const before = snapshot(world.root);
    for (const method of ['COPY', 'MOVE']) expect((await world.ask(method, `/fs/${from}`, to(onto))).status).toBe(status);
    expect(snapshot(world.root)).toEqual(before);
  });

  it('a malformed Overwrite or Depth is 400', async () => {
    expect((await world.ask('COPY', '/fs/file', to('x', { overwrite: 'maybe' }))).status).toBe(400);
    expect((await world.ask('COPY', '/fs/tree', to('x', { depth: '1' }))).status).toBe(400);
    expect((await world.ask('MOVE', '/fs/tree', to('x', { depth: '0' }))).status).toBe(400);
  });
});

describe('MKCOL and DELETE', () => {
  it('MKCOL makes a folder; an existing name is 405, a missing parent 409, a body 415', async () => {
    const made = await Promise.all(['new', 'tree', 'file', 'no/where'].map((name) => world.ask('MKCOL', `/fs/${name}`)));
    expect(made.map(({ status }) => status)).toEqual([201, 405, 405, 409]);
    expect((await world.ask('MKCOL', '/fs/bodied', { body: '<a/>' })).status).toBe(415);
  });

  it('DELETE removes a tree, not half of one by Depth, and a missing name is 404', async () => {
    expect((await world.ask('DELETE', '/fs/tree', { headers: { depth: '0' } })).status).toBe(400);
    expect((await world.ask('DELETE', '/fs/tree')).status).toBe(204);
    expect((await world.ask('DELETE', '/fs/tree')).status).toBe(404);
    expect(names()).toEqual(['file', 'other', 'other/three']);
  });
});

describe('a sidecar', () => {
  it('that is read-only changes nothing and says so', async () => {
    const reader = await World.start({ readOnly: true }, ({ root }) => writeFileSync(join(root, 'file'), 'f'));
    const before = snapshot(reader.root);
    for (const method of ['PUT', 'PATCH', 'DELETE', 'MKCOL', 'MOVE', 'COPY', 'PROPPATCH', 'LOCK', 'UNLOCK'])
      expect((await reader.ask(method, '/fs/file', { headers: { destination: '/fs/x', 'x-http-method-override': 'GET' } })).status).toBe(
        403,
      );
    const { headers } = await reader.ask('OPTIONS', '/fs/');
    expect([headers['allow'], headers['dav']]).toEqual(['OPTIONS, GET, HEAD, PROPFIND', '1']);
    expect((await reader.ask('GET', '/fs/file')).text).toBe('f');
    expect(snapshot(reader.root)).toEqual(before);
    await reader.stop();
  });

  it('tells its classes, refuses unknown methods and sends no trace of itself', async () => {
    expect((await world.ask('OPTIONS', '/fs/')).headers['dav']).toBe('1, 2, 3, sabredav-partialupdate');
    const answer = await world.ask('REPORT', '/fs/');
    expect([answer.status, String(answer.headers['allow']).includes('PROPFIND')]).toEqual([405, true]);
    expect(JSON.stringify([answer.headers, answer.text])).not.toContain(world.folder);
    expect(world.warnings).toEqual([]);
  });

  it('removes what a killed process left behind, and keeps what is fresh or in use', async () => {
    const left = (name: string): string => join(world.root, `.rstream-part-${name}`);
    mkdirSync(join(world.root, 'tree', '.rstream-part-999999999-folder', 'deep'), { recursive: true });
    writeFileSync(left('999999999-file'), '');
    writeFileSync(left(`${process.ppid}-of-a-live-process`), '');
    symlinkSync(world.outside, join(world.root, 'link'));
    writeFileSync(join(world.outside, '.rstream-part-999999999-outside'), '');
    const root = new Root(world.root);
    const { folder } = root.locate([]);
    expect(await sweepTree(folder, new AbortController().signal)).toMatchObject({ removed: 0, waiting: 2 });
    expect(await sweepTree(folder, new AbortController().signal, Date.now() + 61_000)).toMatchObject({ removed: 2, waiting: 0 });
    expect(litter(world.root)).toEqual([`.rstream-part-${process.ppid}-of-a-live-process`]);
    expect(litter(world.outside)).toHaveLength(1);
    root.close();
  });

  it('refuses new requests while it closes and lets a running one finish', async () => {
    const closing = await World.start();
    const socket = await closing.connection();
    socket.write('PUT /fs/slow HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc');
    while (litter(closing.root).length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = closing.sidecar.close();
    expect((await closing.ask('GET', '/fs/slow')).status).toBe(503);
    socket.write('def');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 201 /);
    await closed;
    expect(closing.content('slow')).toBe('abcdef');
    socket.destroy();
    await closing.stop();
  });

  it.each([
    [{ root: 'relative' }, 'ERR_RSTREAM_FS_ROOT'],
    [{ root: '/nowhere/at/all' }, 'ERR_RSTREAM_FS_ROOT'],
    [{ root: '/', prefix: 'fs/' }, 'ERR_RSTREAM_FS_OPTIONS'],
    [{ root: '/', maxUploadBytes: -1 }, 'ERR_RSTREAM_FS_OPTIONS'],
  ])('with %o does not start', (options, code) => {
    let error: unknown;
    try {
      createSidecar(options);
    } catch (thrown) {
      error = thrown;
    }
    expect(RstreamError.is(error) && error.code).toBe(code);
  });
});

it('2,000 random requests end in answers below 500, with the process alive and no file left open', async () => {
  const methods = ['GET', 'PUT', 'DELETE', 'MKCOL', 'COPY', 'MOVE', 'PROPFIND', 'PROPPATCH', 'LOCK', 'UNLOCK', 'HEAD', 'OPTIONS', 'PATCH'];
  const words = ['a', 'b', 'c/d', 'a/b', '%zz', '..', '%2e', 'tree', 'tree/one', 'ü', '', 'x%00', 'l'.repeat(300)];
  const odd = [
    '',
    '0',
    '1',
    'infinity',
    'T',
    'F',
    '"x"',
    '*',
    '(<a>)',
    '([x])',
    'bytes=0-',
    'bytes 0-1/*',
    'Second-1',
    '<t>',
    '/fs/a',
    '/fs/c',
    'http://x/',
    'Infinite',
  ];
  const headers = [
    'depth',
    'overwrite',
    'destination',
    'if',
    'if-match',
    'if-none-match',
    'range',
    'content-range',
    'timeout',
    'lock-token',
    'x-update-range',
    'if-range',
    'prefer',
    'x-oc-mtime',
    'oc-checksum',
    'content-digest',
  ];
  const bodies = ['', 'x', '<a/>', '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>', '<!DOCTYPE a>', '<', '\0'];
  let state = 12_345;
  const pick = <T>(list: readonly T[]): T => {
    state = createHash('md5').update(String(state)).digest().readUInt32LE();
    return list[state % list.length] as T;
  };
  const before = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
  const one = async (): Promise<void> => {
    const chosen = Object.fromEntries([pick(headers), pick(headers), pick(headers)].map((name) => [name, pick(odd)]));
    const method = pick(methods);
    const { status } = await world.ask(method, `/fs/${pick(words)}`, { headers: chosen, body: pick(bodies) });
    if (status >= 500 && status !== 502)
      throw new Error(`${method} ${JSON.stringify(chosen)}: ${status} ${JSON.stringify(world.warnings.at(-1))}`);
  };
  for (let round = 0; round < 250; round += 1) await Promise.all(Array.from({ length: 8 }, one));
  expect(litter(world.root)).toEqual([]);
  if (process.platform === 'linux') expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 16);
});
