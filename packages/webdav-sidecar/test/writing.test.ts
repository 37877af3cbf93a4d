import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFailure } from '../src/failure.ts';
import { litter, World } from './world.ts';

let world: World;
const MIB = 1024 * 1024;

beforeAll(async () => {
  world = await World.start({ maxUploadBytes: 8 * MIB, durability: 'none' });
});
afterAll(() => world.stop());

const hash = (algorithm: string, data: Buffer | string): string => createHash(algorithm).update(data).digest('hex');
const tagOf = async (path: string): Promise<string> => String((await world.ask('HEAD', path)).headers['etag']);

describe('PUT', () => {
  it('makes a file with 201 and replaces it with 204, each with the new entity tag', async () => {
    const made = await world.ask('PUT', '/fs/a.txt', { body: 'one' });
    expect([made.status, made.headers['etag']]).toEqual([201, await tagOf('/fs/a.txt')]);
    chmodSync(join(world.root, 'a.txt'), 0o640);
    const replaced = await world.ask('PUT', '/fs/a.txt', { body: 'two' });
    expect([replaced.status, replaced.headers['etag']]).toEqual([204, await tagOf('/fs/a.txt')]);
    expect(world.content('a.txt')).toBe('two');
    expect(statSync(join(world.root, 'a.txt')).mode & 0o777).toBe(0o640);
  });

  it.each([
    ['/fs/missing/a.txt', 409],
    ['/fs/a.txt/b.txt', 409],
    ['/fs/folder/', 405],
  ])('of %s is answered %i', async (path, status) => {
    world.file('a.txt');
    expect((await world.ask('PUT', path, { body: 'x' })).status).toBe(status);
  });

  it('of more than allowed is 413 before or while reading, and the old content stays', async () => {
    world.file('full', 'old');
    for (const length of ['9000000', '2147483648', '1000000000000000']) {
      const status = await world.raw(`PUT /fs/full HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`);
      expect(status).toBe(413);
    }
    const socket = await world.connection();
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.write('PUT /fs/full HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n');
    const block = Buffer.alloc(MIB);
    for (let sent = 0; sent < 9; sent += 1) socket.write(Buffer.concat([Buffer.from('100000\r\n'), block, Buffer.from('\r\n')]));
    socket.write('0\r\n\r\n');
    while (!answer.includes('\r\n\r\n')) await once(socket, 'data');
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
    expect(world.content('full')).toBe('old');
  });

  it.each(['announced', 'chunked'])('that is cut off (%s length) leaves the old content, or no file, and no litter', async (kind) => {
    world.file('cut', 'old');
    for (const path of ['cut', `cut-new-${kind}`]) {
      for (const bytes of [0, 1, 70_000, 3_000_000]) {
        const socket = await world.connection();
        const framing = kind === 'announced' ? 'Content-Length: 4000000' : 'Transfer-Encoding: chunked';
        socket.write(`PUT /fs/${path} HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n`);
        if (kind === 'chunked' && bytes > 0) socket.write(`${bytes.toString(16)}\r\n`);
        await new Promise((resolve) => socket.write(Buffer.alloc(bytes), resolve));
        if (bytes > 0) await until(() => litter(world.root).length > 0);
        socket.destroy();
        await until(() => litter(world.root).length === 0);
      }
    }
    expect(world.content('cut')).toBe('old');
    expect(world.has(`cut-new-${kind}`)).toBe(false);
  });

  it('by many at once leaves exactly one of the contents, and readers see whole files only', async () => {
    const contents = Array.from({ length: 8 }, (_, index) => Buffer.alloc(200_000 + index * 30_000, index));
    world.file('shared', contents[0]);
    const whole = (data: Buffer): boolean => contents.some((content) => content.equals(data));
    for (let round = 0; round < 4; round += 1) {
      const writes = contents.map((body) => world.ask('PUT', '/fs/shared', { body }));
      const reads = contents.map(() => world.ask('GET', '/fs/shared'));
      for (const read of await Promise.all(reads)) expect(whole(read.body)).toBe(true);
      for (const write of await Promise.all(writes)) expect(write.status).toBe(204);
      expect(whole(readFileSync(join(world.root, 'shared')))).toBe(true);
    }
  });

  it('keeps the time that X-OC-Mtime asks for', async () => {
    const put = await world.ask('PUT', '/fs/dated', { body: 'x', headers: { 'x-oc-mtime': '1234567890' } });
    expect(put.headers['x-oc-mtime']).toBe('accepted');
    expect(statSync(join(world.root, 'dated')).mtimeMs).toBe(1_234_567_890_000);
  });

  it('checks what the headers promise about the body and remembers OC-Checksum', async () => {
    const body = 'checked';
    const sha1 = `SHA1:${hash('sha1', body)}`;
    const digest = `sha-256=:${Buffer.from(hash('sha256', body), 'hex').toString('base64')}:`;
    expect((await world.ask('PUT', '/fs/sum', { body, headers: { 'oc-checksum': sha1, 'content-digest': digest } })).status).toBe(201);
    expect((await world.ask('HEAD', '/fs/sum')).headers['oc-checksum']).toBe(sha1);
    for (const headers of [{ 'oc-checksum': `SHA1:${hash('sha1', 'other')}` }, { 'repr-digest': digest.replace(/.=:$/, 'A=:') }] as Record<
      string,
      string
    >[])
      expect((await world.ask('PUT', '/fs/sum', { body: 'wrong', headers })).status).toBe(400);
    expect(world.content('sum')).toBe(body);
    await world.ask('MOVE', '/fs/sum', { headers: { destination: `${world.url}/sum-moved` } });
    expect((await world.ask('HEAD', '/fs/sum-moved')).headers['oc-checksum']).toBe(sha1);
  });
});

describe('parts of a file', () => {
  it('PUT with Content-Range writes into the file, continues it, and refuses gaps and wrong lengths', async () => {
    const part = (range: string, body: string) => world.ask('PUT', '/fs/parts', { body, headers: { 'content-range': range } });
    expect((await part('bytes 0-4/*', '01234')).status).toBe(201);
    expect((await part('bytes 5-9/10', '56789')).status).toBe(204);
    expect((await part('bytes 2-3/*', 'xx')).status).toBe(204);
    expect(world.content('parts')).toBe('01xx456789');
    const gap = await part('bytes 20-21/*', 'yy');
    expect([gap.status, gap.headers['content-range']]).toEqual([416, 'bytes */10']);
    expect((await part('bytes 0-9/*', 'short')).status).toBe(400);
    expect((await part('bytes 3-1/*', 'x')).status).toBe(400);
    expect((await part('bytes 0-1/2', 'ab')).status).toBe(204);
    expect(world.content('parts')).toBe('ab');
  });

  it('PATCH with X-Update-Range writes, appends and counts from the end', async () => {
    world.file('patched', '0123456789');
    const patch = (range: string, body: string, type = 'application/x-sabredav-partialupdate') =>
      world.ask('PATCH', '/fs/patched', { body, headers: { 'x-update-range': range, 'content-type': type } });
    expect((await patch('bytes=2-3', 'ab')).status).toBe(204);
    expect((await patch('append', '!')).status).toBe(204);
    expect((await patch('bytes=-2', 'yz')).status).toBe(204);
    expect(world.content('patched')).toBe('01ab45678yz');
    expect((await patch('bytes=2-9', 'ab')).status).toBe(416);
    expect((await patch('bytes=2-3', 'ab', 'text/plain')).status).toBe(415);
    expect((await patch('nonsense', 'ab')).status).toBe(400);
  });
});

describe('conditions', () => {
  it.each([
    ['PUT', { 'if-match': '"stale"' }],
    ['PUT', { 'if-none-match': '*' }],
    ['DELETE', { 'if-match': '"stale"' }],
    ['PUT', { 'if-unmodified-since': 'Mon, 01 Jan 2001 00:00:00 GMT' }],
    ['PUT', { if: '(["bogus"])' }],
    ['PUT', { if: '(<opaquelocktoken:none>)' }],
    ['PROPPATCH', { 'if-match': '"stale"' }],
    ['MOVE', { 'if-match': '"stale"', destination: '/fs/elsewhere' }],
    ['COPY', { 'if-match': '"stale"', destination: '/fs/elsewhere' }],
    ['GET', { if: '(["bogus"])' }],
    ['LOCK', { 'if-match': '"stale"' }],
  ])('%s with %o that does not hold is 412 and changes nothing', async (method, headers) => {
    world.file('guarded', 'old');
    const body = method === 'PROPPATCH' ? propertyUpdate : method === 'LOCK' ? lockInfo : 'new';
    expect((await world.ask(method, '/fs/guarded', { headers, ...(method === 'GET' ? {} : { body }) })).status).toBe(412);
    expect(world.content('guarded')).toBe('old');
    expect(world.has('elsewhere')).toBe(false);
  });

  it('a fresh tag lets PUT and DELETE through, and If-None-Match: * makes only new files', async () => {
    expect((await world.ask('PUT', '/fs/fresh', { body: '1', headers: { 'if-none-match': '*' } })).status).toBe(201);
    expect((await world.ask('PUT', '/fs/fresh', { body: '2', headers: { 'if-match': await tagOf('/fs/fresh') } })).status).toBe(204);
    expect((await world.ask('PUT', '/fs/fresh', { body: '3', headers: { if: `([${await tagOf('/fs/fresh')}])` } })).status).toBe(204);
    expect((await world.ask('DELETE', '/fs/fresh', { headers: { 'if-match': await tagOf('/fs/fresh') } })).status).toBe(204);
    expect((await world.ask('PUT', '/fs/fresh', { body: '4', headers: { 'if-match': '*' } })).status).toBe(412);
  });

  it.each(['', '(', '()', '(Not)', '<x>', '("a")', '(<a>) <http://h/x> (<b>)', '<a> <b> (<c>)', '(<a>'.repeat(3), '('.repeat(10_000)])(
    'the If header "%.20s" is 400',
    async (text) => {
      world.file('guarded', 'old');
      expect((await world.ask('PUT', '/fs/guarded', { body: 'x', headers: { if: text } })).status).toBe(400);
    },
  );

  it('a counter that is raised with If-Match by 8 clients loses no update', async () => {
    world.file('counter', '0');
    const raise = async (): Promise<void> => {
      for (let raised = 0; raised < 10;) {
        const { headers, text } = await world.ask('GET', '/fs/counter');
        const put = await world.ask('PUT', '/fs/counter', {
          body: String(Number(text) + 1),
          headers: { 'if-match': String(headers['etag']) },
        });
        expect([204, 412]).toContain(put.status);
        if (put.status === 204) raised += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, raise));
    expect(world.content('counter')).toBe('80');
  });

  it('entity tags differ after 100 quick changes of equal size and after an edit with a restored time', async () => {
    const tags = new Set<string>();
    for (let round = 0; round < 100; round += 1)
      tags.add(String((await world.ask('PUT', '/fs/quick', { body: String(round % 10) })).headers['etag']));
    expect(tags.size).toBe(100);
    const path = join(world.root, 'quick');
    const { atime, mtime } = statSync(path);
    utimesSync(path, atime, mtime);
    const before = await tagOf('/fs/quick');
    writeFileSync(path, 'z');
    utimesSync(path, atime, mtime);
    expect(await tagOf('/fs/quick')).not.toBe(before);
  });
});

const propertyUpdate = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="x">1</a></D:prop></D:set></D:propertyupdate>';
const lockInfo = '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';

/** Asks again every turn of the event loop: there is no event for a file that goes away. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

it('nothing of all this is left behind', () => {
  expect(litter(world.root)).toEqual([]);
});

it('a full disk is told as 507 without a path of this machine', () => {
  const failure = toFailure(Object.assign(new Error('no space left, write /secret/path'), { code: 'ENOSPC' }));
  expect([failure.status, failure.condition]).toEqual([507, 'quota-not-exceeded']);
  expect(failure.message).not.toContain('/secret/path');
});
