import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Root } from '../src/root.ts';
import { litter, snapshot, World } from './world.ts';

let world: World;
let outsideBefore: string[];

beforeAll(async () => {
  world = await World.start({}, ({ outside }) => writeFileSync(join(outside, 'outside-only'), ''));
});
afterAll(() => world.stop());

beforeEach(() => {
  for (const name of readdirSync(world.root)) rmSync(join(world.root, name), { recursive: true });
  mkdirSync(join(world.root, 'inside'));
  world.file('plain.txt', 'plain');
  world.file('inside/file.txt', 'inside');
  const links: Record<string, string> = {
    'to-file': join(world.outside, 'secret.txt'),
    'to-folder': world.outside,
    'to-folder-relative': '../outside',
    'to-etc': '/etc',
    'to-new': join(world.outside, 'new.txt'),
    'through-inside': 'inside/../../outside/secret.txt',
    'to-parent': '..',
    loop: 'loop',
    'inside-file': 'inside/file.txt',
    'inside-folder': 'inside',
    'inside-absolute': join(world.root, 'inside'),
    'inside-chain': 'inside-folder/file.txt',
    'inside-new': 'inside/made.txt',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(world.root, name));
  outsideBefore = snapshot(world.outside);
});

const expectOutsideUntouched = (): void => expect(snapshot(world.outside)).toEqual(outsideBefore);
const destination = (path: string): { headers: Record<string, string> } => ({ headers: { destination: `${world.url}${path}` } });

describe('links that lead out of the root', () => {
  const out = ['to-file', 'to-folder', 'to-folder-relative', 'to-etc', 'through-inside', 'to-parent', 'loop'];
  it.each(out)('%s is not read, listed, written or copied', async (name) => {
    for (const path of [`/fs/${name}`, `/fs/${name}/secret.txt`, `/fs/${name}/passwd`]) {
      const got = await world.ask('GET', path);
      expect([403, 404]).toContain(got.status);
      expect(got.text).not.toContain('SECRET');
      expect([403, 404]).toContain((await world.ask('PROPFIND', path, { headers: { depth: '1' } })).status);
      expect([403, 409]).toContain((await world.ask('PUT', path, { body: 'x' })).status);
      expect([403, 404]).toContain((await world.ask('COPY', path, destination('/copied'))).status);
    }
    for (const method of ['MKCOL', 'LOCK']) expect([403, 409]).toContain((await world.ask(method, `/fs/${name}/child`)).status);
    expect([403, 404]).toContain((await world.ask('DELETE', `/fs/${name}/secret.txt`)).status);
    expect([403, 409]).toContain((await world.ask('MOVE', '/fs/plain.txt', destination(`/${name}/moved.txt`))).status);
    expect([403, 409]).toContain((await world.ask('COPY', '/fs/plain.txt', destination(`/${name}/copied.txt`))).status);
    expect(world.content('plain.txt')).toBe('plain');
    expectOutsideUntouched();
  });

  it('a dangling link out is not written through', async () => {
    expect((await world.ask('PUT', '/fs/to-new', { body: 'x' })).status).toBe(403);
    expectOutsideUntouched();
  });

  it('a listing does not show them, and shows links inside as what they lead to', async () => {
    const { text } = await world.ask('PROPFIND', '/fs/', { headers: { depth: '1' } });
    for (const name of out) expect(text).not.toContain(`/fs/${name}`);
    expect(text).toContain('/fs/inside-file<');
    expect(text).toContain('/fs/inside-folder/<');
  });

  it('DELETE removes the link and nothing behind it', async () => {
    for (const name of out) expect((await world.ask('DELETE', `/fs/${name}`)).status).toBe(204);
    for (const name of out) expect(world.has(name)).toBe(false);
    expectOutsideUntouched();
  });

  it('MOVE moves the link, and COPY of a folder copies links as links', async () => {
    expect((await world.ask('MOVE', '/fs/to-folder', destination('/moved'))).status).toBe(201);
    expect((await world.ask('GET', '/fs/moved/secret.txt')).status).toBe(403);
    symlinkSync(world.outside, join(world.root, 'inside', 'out'));
    expect((await world.ask('COPY', '/fs/inside', destination('/again'))).status).toBe(201);
    expect((await world.ask('GET', '/fs/again/out/secret.txt')).status).toBe(403);
    expect((await world.ask('GET', '/fs/again/file.txt')).text).toBe('inside');
    expect((await world.ask('DELETE', '/fs/again')).status).toBe(204);
    expectOutsideUntouched();
  });
});

describe('links that stay inside the root', () => {
  it.each(['/fs/inside-file', '/fs/inside-folder/file.txt', '/fs/inside-absolute/file.txt', '/fs/inside-chain'])(
    '%s is read',
    async (path) => {
      expect((await world.ask('GET', path)).text).toBe('inside');
    },
  );

  it('PUT through a link replaces its target and keeps the link, also when the target does not exist yet', async () => {
    expect((await world.ask('PUT', '/fs/inside-chain', { body: 'new' })).status).toBe(204);
    expect((await world.ask('PUT', '/fs/inside-new', { body: 'made' })).status).toBe(201);
    expect(world.content('inside/file.txt')).toBe('new');
    expect(world.content('inside/made.txt')).toBe('made');
  });
});

describe('paths', () => {
  const spellings = [
    '/fs/../outside/secret.txt', '/fs/%2e%2e/outside/secret.txt', '/fs/..%2foutside/secret.txt', '/fs/%2e%2e%2foutside%2fsecret.txt',
    '/fs/inside/../../outside/secret.txt', '/fs/inside/%2E%2E/%2E%2E/outside/secret.txt', '/fs/.%2e/outside/secret.txt', '/fs/%2e./outside/secret.txt',
    '/fs/%252e%252e/outside/secret.txt', '/fs//outside/secret.txt', '/fs/%2fetc/passwd', '/fs/..%5coutside%5csecret.txt', '/fs/..\\outside\\secret.txt',
    '/fs/%c0%ae%c0%ae/outside/secret.txt', '/fs/%e0%80%ae%e0%80%ae/outside', '/fs/./plain.txt', '/fs/plain.txt%00.png', '/fs/%zz', '/fs/%', '/fs/%ff',
    '/fs/%e2%82', '/fs/inside/..;/plain.txt', '/fs/a#b', '/fs/...', 'http://elsewhere/fs/../outside/secret.txt', '/outside/secret.txt', '/', '*', '/fsx',
    `/fs/${'a/'.repeat(300)}b`, `/fs/${'n'.repeat(256)}`,
  ]; // prettier-ignore
  it.each(spellings)('%s never reaches outside', async (path) => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PROPFIND', 'MKCOL', 'COPY', 'MOVE', 'LOCK']) {
      const status = await world.raw(
        `${method} ${path} HTTP/1.1\r\nHost: h\r\nDepth: 0\r\nDestination: /fs/elsewhere-${method}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
    }
    expectOutsideUntouched();
  });

  it.each([
    ['', 400],
    ['../outside/x', 400],
    ['/fs/../outside/x', 400],
    ['/fs/%2e%2e/x', 400],
    ['/fs/%zz', 400],
    ['/fs/x%00', 400],
    ['file:///etc/x', 502],
    ['http://elsewhere/fs/x', 502],
    ['http://user@HOST/fs/x', 502],
    ['http://HOST/elsewhere/x', 502],
    ['//HOST/fs/x', 400],
    ['/fs/', 403],
    ['http://HOST/fs', 403],
  ])('a Destination of "%s" is answered %i', async (template, status) => {
    const host = `127.0.0.1:${world.port}`;
    for (const method of ['COPY', 'MOVE'])
      expect((await world.ask(method, '/fs/plain.txt', { headers: { destination: template.replace('HOST', host) } })).status).toBe(status);
    expect(world.content('plain.txt')).toBe('plain');
  });

  it('no path that a client can write leaves the root', async () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '', '%2e%2e', '%2f', '..%2f', '%5c', 'inside', 'to-folder', 'to-parent', 'to-folder-relative', 'outside', 'secret.txt', 'inside-folder', '%00', '%252e', '%c0%ae'),
      fc.string({ maxLength: 6 }).map(encodeURIComponent),
    ); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 6 }),
        fc.constantFrom('GET', 'PUT', 'DELETE', 'MKCOL', 'PROPFIND'),
        async (pieces, method) => {
          const answer = await world.ask(method, `/fs/${pieces.join('/')}`, { headers: { depth: '1' } });
          expect(answer.text).not.toContain('SECRET');
          expect(answer.text).not.toContain('outside-only');
          expect(answer.status).toBeLessThan(500);
        },
      ),
      { numRuns: 400 },
    );
    expectOutsideUntouched();
  });
});

describe('things that are no files', () => {
  it('pipes, sockets and devices are refused at once and hold nothing up', async () => {
    execFileSync('mkfifo', [join(world.root, 'pipe')]);
    const socket = createServer().listen(join(world.root, 'socket'));
    await once(socket, 'listening');
    symlinkSync('/dev/zero', join(world.root, 'zero'));
    const got = await Promise.all(Array.from({ length: 16 }, () => world.ask('GET', '/fs/pipe')));
    expect(got.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 403));
    for (const name of ['pipe', 'socket', 'zero']) {
      expect((await world.ask('GET', `/fs/${name}`)).status).toBe(403);
      expect((await world.ask('PUT', `/fs/${name}`, { body: 'x' })).status).toBe(403);
      expect((await world.ask('COPY', `/fs/${name}`, destination('/copy'))).status).toBe(403);
    }
    expect((await world.ask('GET', '/fs/plain.txt')).text).toBe('plain');
    socket.close();
  });

  it('writing a name with a second hard link leaves the other file alone', async () => {
    linkSync(join(world.outside, 'secret.txt'), join(world.root, 'hard'));
    expect((await world.ask('PUT', '/fs/hard', { body: 'mine' })).status).toBe(204);
    expect(
      (
        await world.ask('PATCH', '/fs/hard', {
          headers: { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': 'append' },
          body: '!',
        })
      ).status,
    ).toBe(204);
    expect(world.content('hard')).toBe('mine!');
    expectOutsideUntouched();
  });

  it('names that the sidecar uses itself are neither shown nor reached', async () => {
    world.file('.rstream-part-1-abc', 'hidden');
    expect((await world.ask('GET', '/fs/.rstream-part-1-abc')).status).toBe(403);
    expect((await world.ask('PUT', '/fs/.rstream-part-2-abc', { body: 'x' })).status).toBe(403);
    expect((await world.ask('PROPFIND', '/fs/', { headers: { depth: '1' } })).text).not.toContain('rstream-part');
  });

  it.skipIf(process.getuid?.() === 0)('what the user may not read or write is 403', async () => {
    chmodSync(join(world.root, 'plain.txt'), 0o000);
    expect((await world.ask('GET', '/fs/plain.txt')).status).toBe(403);
    expect((await world.ask('PUT', '/fs/plain.txt', { body: 'x' })).status).toBe(403);
  });
});

it('the root is not removed, moved or replaced', async () => {
  expect((await world.ask('DELETE', '/fs/')).status).toBe(403);
  expect((await world.ask('MOVE', '/fs/', destination('/x'))).status).toBe(403);
  expect((await world.ask('MOVE', '/fs/plain.txt', destination('/'))).status).toBe(403);
  expect((await world.ask('PUT', '/fs/', { body: 'x' })).status).toBe(405);
  expect(world.content('plain.txt')).toBe('plain');
});

it('a folder that is swapped for a link during requests leaks nothing and lets nothing out', async () => {
  mkdirSync(join(world.root, 'swapped'));
  writeFileSync(join(world.root, 'swapped', 'secret.txt'), 'public');
  const worker = new Worker(fileURLToPath(new URL('swapper.mjs', import.meta.url)), {
    workerData: { root: world.root, outside: world.outside },
  });
  await once(worker, 'message');
  const answers = { done: 0, refused: 0 };
  const until = performance.now() + 3_000;
  const client = async (seed: number): Promise<void> => {
    for (let round = seed; performance.now() < until; round += 1) {
      const path = `/fs/swapped/${round % 3 === 0 ? 'secret.txt' : `new-${round % 7}`}`;
      const method = ['GET', 'PUT', 'GET', 'COPY', 'PROPFIND', 'DELETE', 'MOVE', 'MKCOL'][round % 8] ?? 'GET';
      if (method === 'DELETE' && path.endsWith('secret.txt')) continue;
      const target = { destination: `${world.url}/swapped/to-${round % 5}`, depth: method === 'PROPFIND' ? '1' : 'infinity' };
      const answer = await world.ask(method, path, { headers: target, ...(method === 'PUT' ? { body: 'written by a client' } : {}) });
      expect(answer.text).not.toContain('SECRET');
      expect(answer.status).not.toBe(500);
      answers[answer.status < 300 ? 'done' : 'refused'] += 1;
    }
  };
  await Promise.all([0, 1, 2, 3, 4, 5].map(client));
  worker.postMessage('stop');
  await once(worker, 'exit');
  expect(answers.done).toBeGreaterThan(20);
  expect(answers.refused).toBeGreaterThan(20);
  expectOutsideUntouched();
  expect(litter(world.outside)).toEqual([]);
});

describe('where folders cannot be held by descriptor', () => {
  it('links out are refused, links inside followed, and a replaced folder is noticed', () => {
    const root = new Root(world.root, 'checked');
    expect(root.containment).toBe('checked');
    for (const path of [['to-file'], ['to-folder', 'secret.txt'], ['to-parent', 'outside'], ['loop']])
      expect(() => root.locate(path)).toThrow(/leaves the root|symbolic links/);
    const place = root.locate(['inside-folder', 'file.txt']);
    expect(readFileSync(place.folder.at(place.name), 'utf8')).toBe('inside');
    renameSync(join(world.root, 'inside'), join(world.root, 'was-inside'));
    symlinkSync(world.outside, join(world.root, 'inside'));
    expect(() => place.folder.at('secret.txt')).toThrow('replaced');
    place.close();
    root.close();
  });
});
