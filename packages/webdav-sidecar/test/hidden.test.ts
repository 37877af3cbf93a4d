import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  const hides = (segments: readonly string[]): boolean => segments.some((name) => name.startsWith('.'));
  world = await World.start({ readOnly: true, hides }, ({ root }) => {
    mkdirSync(join(root, '.git/objects'), { recursive: true });
    mkdirSync(join(root, 'open/.inner'), { recursive: true });
  });
  world.file('.env', 'SECRET');
  world.file('.git/config', 'SECRET');
  world.file('open/.inner/deep', 'SECRET');
  world.file('open/seen', 'seen');
  symlinkSync('.env', join(world.root, 'to-env'));
  symlinkSync('.git', join(world.root, 'to-git'));
  symlinkSync(join(world.root, '.git'), join(world.root, 'absolute'));
  symlinkSync('open/.inner/../../.env', join(world.root, 'around'));
  linkSync(join(world.root, 'open/seen'), join(world.root, 'hard'));
});
afterAll(() => world.stop());

test.each([
  '.env',
  '.git',
  '.git/config',
  '.git/none',
  'open/.inner',
  'open/.inner/deep',
  'to-env',
  'to-git',
  'to-git/config',
  'absolute/config',
  'around',
])('%s is as if it was not there', async (path) => {
  for (const [method, query] of [
    ['GET', ''],
    ['HEAD', ''],
    ['PROPFIND', ''],
    ['GET', '?rstream=hash'],
    ['GET', '?rstream=tree'],
    ['GET', '?rstream=archive'],
    ['GET', '?rstream=tail'],
  ] as const) {
    const answer = await world.ask(method, `/fs/${path}${query}`, { headers: { depth: '1' } });
    expect([method, query, answer.status]).toEqual([method, query, 404]);
  }
});

test('nothing that lists, searches or packs shows it', async () => {
  const answers = [
    await world.ask('PROPFIND', '/fs/', { headers: { depth: '1' } }),
    await world.ask('PROPFIND', '/fs/open/', { headers: { depth: '1' } }),
    await world.ask('GET', '/fs/?rstream=tree'),
    await world.ask('GET', '/fs/?rstream=search&name=*'),
    await world.ask('GET', '/fs/?rstream=search&content=SECRET'),
    await world.ask('GET', '/fs/?rstream=archive'),
    await world.ask('GET', '/fs/?rstream=archive&format=tar'),
  ];
  for (const { status, text } of answers) {
    expect(status).toBeLessThan(300);
    for (const hidden of ['SECRET', '.env', '.git', '.inner', 'to-env', 'to-git', 'around', 'absolute']) expect(text).not.toContain(hidden);
  }
  expect(answers[2]?.text).toContain('open/seen');
});
