import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, statSync, truncateSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRanges } from '../src/range.ts';
import { World } from './world.ts';

let world: World;
const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));

beforeAll(async () => {
  world = await World.start();
  world.file('bytes.bin', content);
  world.file('page.html', '<b>x</b>');
  world.file('empty', '');
});
afterAll(() => world.stop());

const get = (path: string, headers: Record<string, string> = {}) => world.ask('GET', `/fs/${path}`, { headers });

describe('GET and HEAD', () => {
  it('give content, length, type, tag and date, and headers that keep browsers harmless', async () => {
    const [got, head] = [await get('page.html'), await world.ask('HEAD', '/fs/page.html')];
    expect([got.status, got.text, head.status, head.text]).toEqual([200, '<b>x</b>', 200, '']);
    for (const { headers } of [got, head]) {
      expect(headers).toMatchObject({ 'content-length': '8', 'content-type': 'text/html; charset=utf-8', 'accept-ranges': 'bytes' });
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-cache',
        'content-security-policy': 'sandbox',
      });
      expect(headers['etag']).toMatch(/^"[\w-]+"$/);
      expect(Math.abs(Date.parse(String(headers['last-modified'])) - statSync(join(world.root, 'page.html')).mtimeMs)).toBeLessThan(1000);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await get('empty')).headers['content-length']).toBe('0');
  });

  it.each([
    ['missing', 404],
    ['', 405],
    ['page.html/x', 404],
  ])('of "%s" is %i', async (path, status) => {
    expect((await get(path)).status).toBe(status);
    const head = await world.ask('HEAD', `/fs/${path}`);
    expect([head.status, head.text]).toEqual([status, '']);
  });

  it('answer 304 and 412 by tag and date', async () => {
    const { etag = '', 'last-modified': date = '' } = (await get('page.html')).headers;
    const old = 'Mon, 01 Jan 2001 00:00:00 GMT';
    const table: [Record<string, string>, number][] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `"a", W/${etag}` }, 304],
      [{ 'if-none-match': '"a"', 'if-modified-since': date }, 200],
      [{ 'if-modified-since': date }, 304],
      [{ 'if-modified-since': old }, 200],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': '"a"' }, 412],
      [{ 'if-match': `W/${etag}` }, 412],
      [{ 'if-unmodified-since': old }, 412],
      [{ 'if-unmodified-since': 'garbage' }, 200],
    ];
    for (const [headers, status] of table) expect([headers, (await get('page.html', headers)).status]).toEqual([headers, status]);
  });
});

describe('ranges', () => {
  it.each([
    ['bytes=0-3', 206, 'bytes 0-3/300000'],
    ['bytes=299990-', 206, 'bytes 299990-299999/300000'],
    ['bytes=-10', 206, 'bytes 299990-299999/300000'],
    ['bytes=-999999', 206, 'bytes 0-299999/300000'],
    ['bytes=100-999999', 206, 'bytes 100-299999/300000'],
    ['bytes=300000-', 416, 'bytes */300000'],
    ['bytes=-0', 416, 'bytes */300000'],
    ['bytes=5-2', 200, undefined],
    ['bytes=a-b', 200, undefined],
    ['lines=1-2', 200, undefined],
    [`bytes=${'0-,'.repeat(1500)}0-`, 200, undefined],
  ])('%.30s is %i', async (range, status, contentRange) => {
    const answer = await get('bytes.bin', { range });
    expect([answer.status, answer.headers['content-range']]).toEqual([status, contentRange]);
    if (status === 416) return;
    const [, start = '0', end = '299999'] = /bytes (\d+)-(\d+)/.exec(contentRange ?? '') ?? [];
    expect(answer.body.equals(content.subarray(Number(start), Number(end) + 1))).toBe(true);
  });

  it('several come as parts, joined where they overlap', async () => {
    const answer = await get('bytes.bin', { range: 'bytes=0-9,5-19,100000-250000,-1' });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    const boundary = /boundary=(\w+)/.exec(String(answer.headers['content-type']))?.[1] ?? '';
    const parts = answer.body.toString('latin1').split(`\r\n--${boundary}`).slice(1, -1);
    const found = parts.map((part) => {
      const [head, data] = [part.slice(0, part.indexOf('\r\n\r\n')), part.slice(part.indexOf('\r\n\r\n') + 4)];
      const [, start, end] = /Content-Range: bytes (\d+)-(\d+)/.exec(head) ?? [];
      expect(Buffer.from(data, 'latin1').equals(content.subarray(Number(start), Number(end) + 1))).toBe(true);
      return `${start}-${end}`;
    });
    expect(found).toEqual(['0-19', '100000-250000', '299999-299999']);
  });

  it('If-Range sends the part only of the same file', async () => {
    const etag = String((await get('bytes.bin')).headers['etag']);
    expect((await get('bytes.bin', { range: 'bytes=0-3', 'if-range': etag })).status).toBe(206);
    expect((await get('bytes.bin', { range: 'bytes=0-3', 'if-range': '"other"' })).status).toBe(200);
  });

  it('the end of a file of 5 TiB comes at once', async () => {
    const fd = openSync(join(world.root, 'huge'), 'w');
    ftruncateSync(fd, 5 * 1024 ** 4);
    writeSync(fd, 'the end', 5 * 1024 ** 4 - 7);
    closeSync(fd);
    expect((await get('huge', { range: 'bytes=-7' })).text).toBe('the end');
  });

  it('whatever the header says, ranges are inside the file, in order and apart', () => {
    const number = fc.oneof(fc.constant(''), fc.nat(120).map(String));
    const header = fc
      .array(fc.tuple(number, number), { minLength: 1, maxLength: 8 })
      .map((pairs) => `bytes=${pairs.map((pair) => pair.join('-')).join(',')}`);
    fc.assert(
      fc.property(header, fc.nat(100), (text, size) => {
        let last = -2;
        for (const { start, end } of parseRanges(text, size) ?? []) {
          expect(start).toBeGreaterThan(last + 1);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThan(size);
          last = end;
        }
      }),
    );
  });
});

it('a file that becomes shorter while it is sent cuts the answer instead of inventing bytes', async () => {
  const size = 64 * 1024 * 1024;
  world.file('shrinks', Buffer.alloc(size, 1));
  const socket = await world.connection();
  socket.write('GET /fs/shrinks HTTP/1.1\r\nHost: h\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  socket.pause();
  truncateSync(join(world.root, 'shrinks'), 0);
  let received = head.length;
  for await (const chunk of socket) received += (chunk as Buffer).length;
  expect(received).toBeLessThan(size);
});

it('a reader that goes away leaves no file open', async () => {
  const folder = '/proc/self/fd';
  const { readdirSync } = await import('node:fs');
  if (process.platform !== 'linux') return;
  world.file('large', Buffer.alloc(32 * 1024 * 1024));
  const before = readdirSync(folder).length;
  for (let round = 0; round < 10; round += 1) {
    const socket = await world.connection();
    socket.write('GET /fs/large HTTP/1.1\r\nHost: h\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
  }
  expect((await get('large', { range: 'bytes=0-1' })).status).toBe(206);
  while (readdirSync(folder).length > before + 4) await new Promise((resolve) => setImmediate(resolve));
  const hash = createHash('sha1')
    .update((await get('bytes.bin')).body)
    .digest('hex');
  expect(hash).toBe(createHash('sha1').update(content).digest('hex'));
});
