import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FilesWorld } from './support/files-world.ts';

let world: FilesWorld;
let folder: string;

interface Shared {
  readonly child: ReturnType<FilesWorld['here']['start']>;
  readonly url: string;
  readonly link?: string;
  readonly username?: string;
  readonly password?: string;
}
const running: Shared[] = [];

/** Starts a share and waits for the line that says that it is online. */
async function share(...args: string[]): Promise<Shared> {
  const child = world.here.start(['files', '-o', 'json', ...args]);
  child.stdin.end();
  for await (const line of createInterface({ input: child.stdout })) {
    const status = JSON.parse(line) as { status: string } & Omit<Shared, 'child'>;
    if (status.status !== 'online') continue;
    running.push({ ...status, child });
    return { ...status, child };
  }
  throw new Error('the share ended');
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** One request to the address of a share, as a browser on this machine would send it. */
async function visit(address: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const url = new URL(address);
  const port = new URL(`http://${world.ready.engine}`).port;
  // A connection of its own: the relay takes requests for one host on each.
  const asked = request({
    agent: false,
    host: '127.0.0.1',
    port,
    method,
    path: url.pathname + url.search,
    headers: { host: url.host, ...headers },
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body, text: body.toString() };
}

const basic = (user: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

beforeAll(async () => {
  world = await FilesWorld.start();
  folder = world.here.path('shared');
  mkdirSync(`${folder}/many`, { recursive: true });
  mkdirSync(`${folder}/.git`);
  mkdirSync(`${folder}/evil <b>`);
  for (let at = 0; at < 250; at += 1) writeFileSync(`${folder}/many/file ${at}`, `${at}`);
  writeFileSync(`${folder}/note.txt`, 'Hello <script>alert(1)</script>');
  writeFileSync(`${folder}/page.html`, '<script>alert(2)</script>');
  writeFileSync(`${folder}/secret.KEY`, 'SECRET');
  writeFileSync(`${folder}/.git/config`, 'SECRET');
  writeFileSync(world.here.path('outside.txt'), 'SECRET');
  symlinkSync(world.here.path('outside.txt'), `${folder}/out`);
}, 60_000);
afterAll(async () => {
  const ends = running.filter(({ child }) => child.exitCode === null).map(({ child }) => (child.kill('SIGINT'), once(child, 'exit')));
  await Promise.all(ends);
  await world.stop();
}, 30_000);

describe('a share with a token', () => {
  let shared: Shared;
  let cookie: Record<string, string>;
  const at = (path: string): string => new URL(path, shared.url).href;
  beforeAll(async () => {
    shared = await share(folder, '--exclude', '*.key');
    const token = new URL(shared.link ?? '').searchParams.get('rstream.token') ?? '';
    cookie = { authorization: `Bearer ${token}` };
  }, 20_000);

  test('lets nobody in without it', async () => {
    expect((await visit(at('/'))).status).toBe(401);
    expect((await visit(at('/fs/note.txt'))).status).toBe(401);
    expect((await visit(shared.link ?? '')).status).toBeLessThan(400);
  });

  test('shows a folder a hundred rows at a time, in the order of people, without a script', async () => {
    const [first, last] = [await visit(at('/browse/many/'), cookie), await visit(at('/browse/many/?page=3'), cookie)];
    expect(first.text.match(/<tr>/g)).toHaveLength(101);
    expect(first.text.indexOf('file 2<')).toBeLessThan(first.text.indexOf('file 10<'));
    expect(first.text).toContain('Page 1 of 3');
    expect(last.text.match(/<tr>/g)).toHaveLength(51);
    expect(first.text).not.toMatch(/<script|style=|onclick|https?:\/\//);
    expect(first.headers['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(first.headers['content-security-policy']).not.toContain('unsafe');
  });

  test('previews text as text, and gives files only to be kept', async () => {
    expect((await visit(at('/browse/note.txt'), cookie)).text).toContain('Hello &lt;script&gt;alert(1)&lt;/script&gt;');
    expect((await visit(at('/browse/'), cookie)).text).toContain('evil &lt;b&gt;');
    const file = await visit(at('/fs/page.html'), cookie);
    expect(file.headers).toMatchObject({
      'content-disposition': 'attachment',
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
    });
  });

  test('answers ranges, conditions and PROPFIND, and refuses whatever changes something', async () => {
    const whole = await visit(at('/fs/note.txt'), cookie);
    expect(whole.text).toContain('Hello');
    expect(await visit(at('/fs/note.txt'), { ...cookie, range: 'bytes=0-4' })).toMatchObject({ status: 206, text: 'Hello' });
    expect((await visit(at('/fs/note.txt'), { ...cookie, 'if-none-match': whole.headers.etag ?? '' })).status).toBe(304);
    expect((await visit(at('/fs/'), { ...cookie, depth: '1' }, 'PROPFIND')).status).toBe(207);
    for (const method of ['PUT', 'DELETE', 'MKCOL', 'MOVE', 'PATCH', 'POST', 'LOCK'])
      expect((await visit(at('/fs/note.txt'), cookie, method)).status).toBe(405);
    expect((await visit(at('/fs/?rstream=events'), cookie)).status).toBe(403);
  });

  test.each([
    '/fs/.git/config',
    '/fs/secret.KEY',
    '/fs/out',
    '/fs/../outside.txt',
    '/fs/%2e%2e/outside.txt',
    '/browse/.git/',
    '/browse/out',
    '/browse/%2e%2e/outside.txt',
    '/browse/..%2foutside.txt',
    '/_rstream/files/v1/archive?path=/.git',
    '/_rstream/files/v1/archive?path=/../',
  ])('%s is not in it', async (path) => {
    const url = at('/');
    const answer = await visit(url.slice(0, -1) + path, cookie);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toContain('SECRET');
    expect(answer.text).not.toContain(world.here.folder);
  });

  test('packs a folder, and says what it is', async () => {
    const archive = await visit(at('/_rstream/files/v1/archive?path=/'), cookie);
    expect(archive.headers).toMatchObject({ 'content-type': 'application/zip' });
    expect(archive.body.subarray(0, 2).toString()).toBe('PK');
    expect(archive.body.includes('many/file 249')).toBe(true);
    for (const hidden of ['SECRET', '.git', 'secret.KEY']) expect(archive.body.includes(hidden)).toBe(false);
    expect(JSON.parse((await visit(at('/_rstream/files/v1/info'), cookie)).text)).toMatchObject({
      version: 1,
      name: 'shared',
      kind: 'directory',
      fs_path: '/fs',
      access: 'token',
    });
  });

  test('finds names, and only those that are shown', async () => {
    const found = (await visit(at('/browse/?q=FILE%2024'), cookie)).text;
    expect(found).toContain('11 found');
    expect(found).toContain('many/file 249');
    expect((await visit(at('/browse/?q=config'), cookie)).text).toContain('0 found');
  });
});

describe('a share with a password', () => {
  test('takes only that password, a made-up one, and stops listening to guesses', async () => {
    const { url, username = '', password = '', link } = await share(folder, '--password');
    expect([link, username, password.length]).toEqual([undefined, 'rstream', 22]);
    expect((await visit(url)).status).toBe(401);
    expect((await visit(`${url}/browse/`, basic(username, password))).status).toBe(200);
    for (let guess = 0; guess < 20; guess += 1) expect((await visit(url, basic(username, `${guess}`))).status).toBe(401);
    expect((await visit(`${url}/browse/`, basic(username, password))).status).toBe(429);
  }, 20_000);

  test('takes it from a file that only its owner can read, and never prints it', async () => {
    const file = world.here.path('password');
    writeFileSync(file, 'pass wörd\n', { mode: 0o644 });
    chmodSync(file, 0o644);
    expect((await world.run(['files', folder, '--password-file', file])).stderr).toContain('chmod 600');
    chmodSync(file, 0o600);
    const shared = await share(folder, '--password-file', file, '--username', 'guest');
    expect(shared.password).toBeUndefined();
    expect((await visit(`${shared.url}/browse/`, basic('guest', 'pass wörd'))).status).toBe(200);
    expect((await visit(`${shared.url}/browse/`, basic('rstream', 'pass wörd'))).status).toBe(401);
  }, 20_000);

  test('a share without any protection is refused', async () => {
    expect(await world.run(['files', folder, '--no-token-auth'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('protected') as string,
    });
  });
});

test('one file is shared alone, and Ctrl-C ends it with success', async () => {
  const { child, url, username = '', password = '' } = await share(`${folder}/note.txt`, '--password');
  const login = basic(username, password);
  expect((await visit(url, login)).headers.location).toBe('/browse/note.txt');
  expect((await visit(`${url}/browse/note.txt`, login)).status).toBe(200);
  expect((await visit(`${url}/fs/note.txt`, login)).text).toContain('Hello');
  for (const path of ['/browse/', '/browse/page.html', '/fs/page.html', '/fs/many/file%201'])
    expect((await visit(url + path, login)).status).toBe(404);
  expect((await visit(`${url}/fs/`, { ...login, depth: '1' }, 'PROPFIND')).text).not.toContain('page.html');
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect((await ended)[0]).toBe(0);
  rmSync(`${folder}/note.txt`);
}, 20_000);
