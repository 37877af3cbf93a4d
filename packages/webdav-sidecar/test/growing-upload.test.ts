import { linkSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start({ maxUploadBytes: 1_000 });
});
afterAll(() => world.stop());

const name = (digit: string): string => `.rstream-upload-${digit.repeat(24)}`;
const append = (file: string, offset: number | string, body: string) =>
  world.ask('PATCH', `/fs/${file}`, { headers: { 'content-type': 'application/partial-upload', 'upload-offset': String(offset) }, body });

test('an upload grows from its offset, and is moved to its name when it is whole', async () => {
  const file = name('a');
  expect(await append(file, 0, 'one')).toMatchObject({ status: 201, headers: { 'upload-offset': '3' } });
  expect(await append(file, 3, 'two')).toMatchObject({ status: 204, headers: { 'upload-offset': '6' } });
  expect(await append(file, 6, '')).toMatchObject({ status: 204, headers: { 'upload-offset': '6' } });
  expect(await append(file, 3, 'two')).toMatchObject({ status: 409, headers: { 'upload-offset': '6' } });
  expect((await world.ask('MOVE', `/fs/${file}`, { headers: { destination: '/fs/whole' } })).status).toBe(201);
  expect(world.content('whole')).toBe('onetwo');
});

test('what arrived before the connection was lost stays', async () => {
  const file = name('b');
  const socket = await world.connection();
  const head = `PATCH /fs/${file} HTTP/1.1\r\nhost: x\r\ncontent-type: application/partial-upload\r\nupload-offset: 0\r\ncontent-length: 100\r\n\r\n`;
  socket.write(`${head}0123456789`);
  // The server has it when it says so.
  for (let size = 0; size !== 10;) size = Number((await world.ask('HEAD', `/fs/${file}`)).headers['content-length'] ?? 0);
  expect((await append(file, 10, 'x')).status).toBe(423);
  socket.destroy();
  let status = 423;
  while (status === 423) ({ status } = await append(file, 10, 'abc'));
  expect(status).toBe(204);
  expect(world.content(file)).toBe('0123456789abc');
});

test.each([
  ['another name', 'plain.txt', 0, 403],
  ['an upload that is not there', name('c'), 5, 404],
  ['no offset', name('c'), '', 400],
  ['a negative offset', name('c'), -1, 400],
  ['a folder that is not there', `none/${name('c')}`, 0, 409],
])('%s is refused', async (_, file, offset, status) => {
  expect((await append(file, offset, 'x')).status).toBe(status);
  expect(world.has(file)).toBe(false);
});

test('more than the largest upload is refused in any number of steps, and nothing is left of the first', async () => {
  expect((await append(name('d'), 0, 'x'.repeat(1_001))).status).toBe(413);
  expect(world.has(name('d'))).toBe(false);
  await append(name('d'), 0, 'x'.repeat(600));
  expect((await append(name('d'), 600, 'x'.repeat(401))).status).toBe(413);
  expect((await append(name('d'), 600, 'x'.repeat(400))).status).toBe(204);
});

test('neither a link nor a second name of a file is written through', async () => {
  writeFileSync(join(world.outside, 'target'), 'outside');
  symlinkSync(join(world.outside, 'target'), join(world.root, name('e')));
  linkSync(join(world.outside, 'target'), join(world.root, name('f')));
  expect((await append(name('e'), 7, 'x')).status).toBe(403);
  expect((await append(name('f'), 7, 'x')).status).toBe(409);
  expect(readFileSync(join(world.outside, 'target'), 'utf8')).toBe('outside');
});
