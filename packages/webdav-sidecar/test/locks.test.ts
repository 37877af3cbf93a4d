import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LockTable } from '../src/locks.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start({ durability: 'none' });
});
afterAll(() => world.stop());

let folder: string;
let count = 0;
beforeEach(async () => {
  folder = `/fs/case-${(count += 1)}`;
  await world.ask('MKCOL', folder);
  await world.ask('PUT', `${folder}/file`, { body: 'old' });
});

const info = (scope = 'exclusive'): string =>
  `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>a &amp; b</D:owner></D:lockinfo>`;
const update = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="x">1</a></D:prop></D:set></D:propertyupdate>';

async function lock(path: string, depth: '0' | 'infinity' = '0', scope = 'exclusive') {
  const answer = await world.ask('LOCK', path, { body: info(scope), headers: { depth } });
  return { ...answer, token: /<(.+)>/.exec(String(answer.headers['lock-token']))?.[1] ?? '' };
}

describe('a locked file', () => {
  it.each(['PUT', 'DELETE', 'MOVE', 'PROPPATCH', 'LOCK', 'PATCH'])('%s without the token is 423, with it goes through', async (method) => {
    const path = `${folder}/file`;
    const { status, token } = await lock(path);
    expect(status).toBe(200);
    const bodies: Record<string, string> = { PUT: 'new', PROPPATCH: update, LOCK: info(), PATCH: '!' };
    const body = bodies[method] === undefined ? {} : { body: bodies[method] };
    const headers = {
      destination: `${world.url}/moved-${count}`,
      'content-type': 'application/x-sabredav-partialupdate',
      'x-update-range': 'append',
    };
    const refused = await world.ask(method, path, { ...body, headers });
    expect(refused.status).toBe(423);
    expect(refused.text).toContain(method === 'LOCK' ? 'no-conflicting-lock' : 'lock-token-submitted');
    if (method === 'LOCK') return;
    expect((await world.ask(method, path, { ...body, headers: { ...headers, if: `(<${token}>)` } })).status).toBeLessThan(300);
  });

  it('COPY from it needs no token, COPY onto it does', async () => {
    await lock(`${folder}/file`);
    await world.ask('PUT', `${folder}/other`, { body: 'other' });
    expect((await world.ask('COPY', `${folder}/file`, { headers: { destination: `${folder}/copy` } })).status).toBe(201);
    expect((await world.ask('COPY', `${folder}/other`, { headers: { destination: `${folder}/file` } })).status).toBe(423);
    expect((await world.ask('PUT', `${folder}/copy`, { body: 'free' })).status).toBe(204);
  });

  it('shows its lock, is refreshed, and is unlocked by a token with or without brackets', async () => {
    const path = `${folder}/file`;
    for (const bracket of [true, false]) {
      const { token } = await lock(path);
      const shown = await world.ask('PROPFIND', path, { headers: { depth: '0' } });
      expect(shown.text).toContain(token);
      expect(shown.text).toContain('a &amp; b');
      const refreshed = await world.ask('LOCK', path, { headers: { if: `(<${token}>)`, timeout: 'Second-60' } });
      expect([refreshed.status, refreshed.text.includes('Second-60')]).toEqual([200, true]);
      expect((await world.ask('UNLOCK', path, { headers: { 'lock-token': '<opaquelocktoken:other>' } })).status).toBe(409);
      expect((await world.ask('UNLOCK', path, { headers: { 'lock-token': bracket ? `<${token}>` : token } })).status).toBe(204);
      expect((await world.ask('PUT', path, { body: 'free' })).status).toBe(204);
    }
    expect((await world.ask('UNLOCK', path)).status).toBe(400);
  });
});

describe('other locks', () => {
  it('a deep lock on a folder holds for what is in it and what is made in it', async () => {
    const { token } = await lock(folder, 'infinity');
    expect((await world.ask('PUT', `${folder}/file`, { body: 'x' })).status).toBe(423);
    expect((await world.ask('MKCOL', `${folder}/new`)).status).toBe(423);
    expect((await world.ask('LOCK', `${folder}/file`, { body: info() })).status).toBe(423);
    expect((await world.ask('MKCOL', `${folder}/new`, { headers: { if: `<${folder}> (<${token}>)` } })).status).toBe(201);
  });

  it('a lock in a tree keeps the tree from being removed, moved and replaced', async () => {
    await lock(`${folder}/file`);
    await world.ask('MKCOL', `${folder}-other`);
    expect((await world.ask('DELETE', folder)).status).toBe(423);
    expect((await world.ask('MOVE', folder, { headers: { destination: `${folder}-moved` } })).status).toBe(423);
    expect((await world.ask('COPY', `${folder}-other`, { headers: { destination: folder } })).status).toBe(423);
    expect((await world.ask('LOCK', folder, { body: info(), headers: { depth: 'infinity' } })).status).toBe(423);
    expect((await world.ask('GET', `${folder}/file`)).text).toBe('old');
  });

  it('shared locks go together, and one of their tokens is enough', async () => {
    const path = `${folder}/file`;
    const [first, second] = [await lock(path, '0', 'shared'), await lock(path, '0', 'shared')];
    expect([first.status, second.status, (await lock(path)).status]).toEqual([200, 200, 423]);
    expect((await world.ask('PUT', path, { body: 'x' })).status).toBe(423);
    expect((await world.ask('PUT', path, { body: 'x', headers: { if: `(<${second.token}>)` } })).status).toBe(204);
  });

  it('LOCK of a free name makes an empty file, and a link to a locked file is locked too', async () => {
    const { status } = await lock(`${folder}/fresh`);
    expect([status, (await world.ask('GET', `${folder}/fresh`)).text]).toEqual([201, '']);
    const { symlinkSync } = await import('node:fs');
    const { join } = await import('node:path');
    symlinkSync('fresh', join(world.root, folder.slice(4), 'link'));
    expect((await world.ask('PUT', `${folder}/link`, { body: 'x' })).status).toBe(423);
  });

  it.each(['<x/>', '<D:lockinfo xmlns:D="DAV:"/>', 'no xml', info().replace('exclusive', 'other')])(
    'LOCK with the body %.40s is 400',
    async (body) => {
      expect((await world.ask('LOCK', `${folder}/file`, { body })).status).toBe(400);
    },
  );
});

describe('the table of locks', () => {
  const request = { key: 'a/b', deep: false, exclusive: true, owner: '', timeoutMs: 1000 };
  it('forgets a lock when its time is over', () => {
    let now = 0;
    const table = new LockTable(() => now);
    const { token } = table.take(request);
    now = 999;
    expect(table.covers(token, 'a/b')).toBe(true);
    expect(() => table.take(request)).toThrow('locked');
    now = 1000;
    expect(table.covers(token, 'a/b')).toBe(false);
    expect(table.take(request).token).not.toBe(token);
  });

  it('holds no more than its limit', () => {
    const table = new LockTable(() => 0);
    for (let index = 0; index < 1024; index += 1) table.take({ ...request, key: `k${index}` });
    expect(() => table.take({ ...request, key: 'one more' })).toThrow('too many');
  });
});
