import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FilesWorld } from '../support/files-world.ts';
import { RawServer, type Home } from './serve-process.ts';

/** The tools for files, from an agent's host through a real relay to a real device. */
let world: FilesWorld;
let server: RawServer;
beforeAll(async () => {
  world = await FilesWorld.start(['--fs-max-upload-size', '128MiB']);
  const home = { folder: world.here.folder, config: world.here.config, env: world.here.env } as unknown as Home;
  server = new RawServer(home);
  await server.initialize();
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await world.stop();
}, 30_000);

const call = (verb: string, input: Record<string, unknown>) => server.call(`rstream_webtty_fs_${verb}`, { url: 'rstrm://dev', ...input });

it('writes, lists, reads in pieces that cut no character, and deletes', async () => {
  const text = 'grüße '.repeat(5_000);
  expect((await call('mkdir', { path: '/a/b' })).data).toEqual({ ok: true, created: true });
  const written = await call('write', { path: '/a/b/text', content: text });
  expect(written.data).toMatchObject({ ok: true, bytes: Buffer.byteLength(text) });
  expect((await call('write', { path: '/a/b/text', content: 'other' })).text).toContain('ERR_RSTREAM_FILE_EXISTS');
  expect((await call('write', { path: '/a/b/text', content: 'other', if_match: '"another"' })).text).toContain('ERR_RSTREAM_FILE_CHANGED');
  expect((await call('list', { path: '/a/b' })).data).toMatchObject({
    total: 2,
    entries: [{ path: '/a/b' }, { path: '/a/b/text', kind: 'file' }],
  });
  let read = '';
  for (let offset = 0, complete = false; !complete;) {
    const { data } = await call('read', { path: '/a/b/text', offset, max_bytes: 10_001 });
    expect(data['encoding']).toBe('text');
    read += String(data['content']);
    [offset, complete] = [Number(data['next_offset']), data['complete'] === true];
  }
  expect(read).toBe(text);
  expect((await call('delete', { path: '/a' })).text).toContain('ERR_RSTREAM_FILE_KIND');
  expect((await call('delete', { path: '/a', recursive: true })).data).toEqual({ ok: true, removed: true });
  expect((await call('delete', { path: '/a' })).data).toEqual({ ok: true, removed: false });
}, 30_000);

it('gives bytes as base64, takes them so, and moves large files without passing them through', async () => {
  const bytes = randomBytes(20_000_000);
  const [here, back] = [world.here.path('large'), world.here.path('back')];
  writeFileSync(here, bytes);
  expect((await call('upload', { path: '/large', local_path: here })).data).toEqual({ ok: true, path: '/large', bytes: bytes.length });
  expect((await call('upload', { path: '/large', local_path: here })).text).toContain('ERR_RSTREAM_FILE_EXISTS');
  expect((await call('read', { path: '/large', offset: 5, max_bytes: 10 })).data).toMatchObject({
    encoding: 'base64',
    content: bytes.subarray(5, 15).toString('base64'),
    next_offset: 15,
    size: bytes.length,
    complete: false,
  });
  expect((await call('download', { path: '/large', local_path: back })).data).toMatchObject({ ok: true, bytes: bytes.length });
  expect(readFileSync(back).equals(bytes)).toBe(true);
  expect((await call('download', { path: '/large', local_path: back })).text).toContain('ERR_RSTREAM_FILE_EXISTS');
  expect((await call('download', { path: '/large', local_path: 'relative' })).text).toContain('must be absolute');
  await call('write', { path: '/b64', content: Buffer.from([0, 255]).toString('base64'), encoding: 'base64' });
  expect(readFileSync(world.remote('b64'))).toEqual(Buffer.from([0, 255]));
  expect((await call('write', { path: '/bad', content: '%%%', encoding: 'base64' })).text).toContain('is not base64');
  expect(existsSync(world.remote('bad'))).toBe(false);
}, 60_000);

it('leaves no root', async () => {
  for (const path of ['/../etc/passwd', '../x', 'a/../../b']) expect((await call('read', { path })).isError).toBe(true);
  expect((await call('read', { path: '/none' })).text).toContain('ERR_RSTREAM_FILE_NOT_FOUND');
});
