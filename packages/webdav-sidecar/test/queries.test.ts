import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileEvent, FileHash, FilesInfo, FileSearchRow, fileTailHeaders, FileTreeRow } from '@rstream/protocol/files';
import { limits } from '@rstream/protocol';
import { globTest } from '../src/queries/glob.ts';
import { World, type Answer } from './world.ts';

let world: World;
let open: IncomingMessage[] = [];
beforeEach(async () => {
  open = [];
  world = await World.start({ durability: 'none' }, ({ root, outside }) => {
    mkdirSync(join(root, 'sub/deep'), { recursive: true });
    writeFileSync(join(root, 'a.txt'), 'one\ntwo Needle\nthree\n');
    writeFileSync(join(root, 'sub/b.log'), `${'x'.repeat(100)}\nneedle at last`);
    writeFileSync(join(root, 'sub/deep/ü.txt'), 'needle');
    writeFileSync(join(root, 'sub/binary'), Buffer.concat([Buffer.from([0]), Buffer.from('needle')]));
    symlinkSync('a.txt', join(root, 'inside-link'));
    symlinkSync('sub', join(root, 'folder-link'));
    symlinkSync(outside, join(root, 'out-folder'));
    symlinkSync(join(outside, 'secret.txt'), join(root, 'out-file'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
  });
});
afterEach(async () => {
  for (const response of open) response.destroy();
  await world.stop();
});

const rowsOf = (answer: Answer): unknown[] =>
  answer.text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

/** An answer that does not end by itself, row by row or as it comes. */
async function follow(path: string): Promise<IncomingMessage> {
  const [response] = (await once(httpGet(`http://127.0.0.1:${world.port}${path}`), 'response')) as [IncomingMessage];
  response.on('error', () => {});
  open.push(response);
  return response;
}

describe('info and hash', () => {
  it('say what the root is', async () => {
    const info = FilesInfo.parse(JSON.parse((await world.ask('GET', '/fs/?rstream=info')).text));
    expect(info).toMatchObject({ version: 1, read_only: false, max_upload_bytes: limits.webdav.uploadBytes.default });
    expect(info.queries).toContain('archive');
  });

  it.each(['sha256', 'sha512', 'sha1', 'md5'])('%s is that of the content', async (algorithm) => {
    const content = randomBytes(700_001);
    world.file('data', content);
    const answer = FileHash.parse(JSON.parse((await world.ask('GET', `/fs/data?rstream=hash&algorithm=${algorithm}`)).text));
    const { etag = '' } = (await world.ask('HEAD', '/fs/data')).headers;
    expect(answer).toEqual({ algorithm, hash: createHash(algorithm).update(content).digest('hex'), size: content.length, etag });
  });
});

it.each([
  ['GET', '/fs/a.txt?rstream=nothing', 400],
  ['GET', '/fs/a.txt?rstream=', 400],
  ['GET', '/fs/a.txt?rstream=toString', 400],
  ['GET', '/fs/a.txt?rstream=hash&algorithm=crc', 400],
  ['GET', '/fs/sub?rstream=hash', 405],
  ['GET', '/fs/sub?rstream=tail', 405],
  ['GET', '/fs/a.txt?rstream=events', 405],
  ['GET', '/fs/?rstream=search', 400],
  ['GET', '/fs/?rstream=search&content=a%0Ab', 400],
  ['GET', `/fs/?rstream=search&name=${'x'.repeat(2_000)}`, 400],
  ['GET', '/fs/?rstream=tree&depth=-1', 400],
  ['GET', '/fs/?rstream=archive&format=rar', 400],
  ['GET', '/fs/absent?rstream=hash', 404],
  ['PUT', '/fs/a.txt?rstream=hash', 405],
  ['HEAD', '/fs/a.txt?rstream=hash', 405],
  ...['hash', 'tree', 'search&name=*', 'tail', 'archive', 'events'].flatMap((query): [string, string, number][] => [
    ['GET', `/fs/out-file?rstream=${query}`, 403],
    ['GET', `/fs/out-folder?rstream=${query}`, 403],
    ['GET', `/fs/out-folder/secret.txt?rstream=${query}`, 403],
    ['GET', `/fs/pipe?rstream=${query}`, 403],
    ['GET', `/fs/%2e%2e/outside?rstream=${query}`, 400],
  ]),
])('%s %s is %i', async (method, path, status) => {
  const answer = await world.ask(method, path);
  expect(answer.status).toBe(status);
  expect(answer.text).not.toContain('SECRET');
  expect(world.content('a.txt')).toContain('Needle');
});

it('conditions count for queries, too', async () => {
  expect((await world.ask('GET', '/fs/a.txt?rstream=hash', { headers: { 'if-match': '"other"' } })).status).toBe(412);
});

describe('tree', () => {
  it('has a row for each entry, a folder before what is in it, and shows no way out', async () => {
    const rows = rowsOf(await world.ask('GET', '/fs/?rstream=tree')).map((row) => FileTreeRow.parse(row));
    const paths = rows.flatMap((row) => (row.type === 'entry' ? [row.path] : []));
    expect([...paths].sort()).toEqual(
      ['', 'a.txt', 'folder-link', 'inside-link', 'sub', 'sub/b.log', 'sub/binary', 'sub/deep', 'sub/deep/ü.txt'].sort(),
    );
    expect(paths.indexOf('sub')).toBeLessThan(paths.indexOf('sub/deep'));
    expect(paths.indexOf('sub/deep')).toBeLessThan(paths.indexOf('sub/deep/ü.txt'));
    expect(rows.at(-1)).toEqual({ type: 'end', entries: 9, complete: true, unreadable: 0 });
    expect(rows).toContainEqual(expect.objectContaining({ path: 'inside-link', kind: 'file', size: 21 }));
  });

  it('goes as deep as asked', async () => {
    const rows = rowsOf(await world.ask('GET', '/fs/sub?rstream=tree&depth=1'));
    expect(new Set(rows.map((row) => (row as { path?: string }).path))).toEqual(new Set(['', 'b.log', 'binary', 'deep', undefined]));
    expect(rowsOf(await world.ask('GET', '/fs/a.txt?rstream=tree'))).toHaveLength(2);
  });

  it.skipIf(process.getuid?.() === 0)('counts what it may not read', async () => {
    chmodSync(join(world.root, 'sub/deep'), 0);
    expect(rowsOf(await world.ask('GET', '/fs/?rstream=tree')).at(-1)).toMatchObject({ unreadable: 1, complete: true });
    chmodSync(join(world.root, 'sub/deep'), 0o700);
  });
});

describe('search', () => {
  const search = async (parameters: string): Promise<FileSearchRow[]> =>
    rowsOf(await world.ask('GET', `/fs/?rstream=search&${parameters}`)).map((row) => FileSearchRow.parse(row));
  const found = (rows: readonly FileSearchRow[]): string[] =>
    rows.flatMap((row) => (row.type === 'match' ? [`${row.path}:${row.line ?? ''}:${row.text ?? ''}`] : [])).sort();

  it('finds names by glob, in any case when asked, and only what kind is asked', async () => {
    expect(found(await search('name=*.txt'))).toEqual(['a.txt::', 'sub/deep/ü.txt::']);
    expect(found(await search('name=A.TXT&ignore_case=1'))).toEqual(['a.txt::']);
    expect(found(await search('name=%3F.txt'))).toEqual(['a.txt::', 'sub/deep/ü.txt::']);
    expect(found(await search('name=*e*&kind=folder'))).toEqual(['folder-link::', 'sub/deep::'].sort());
  });

  it('finds lines by content, not in binary files, and reads each file once', async () => {
    const rows = await search('content=needle');
    expect(found(rows)).toEqual(['sub/b.log:2:needle at last', 'sub/deep/ü.txt:1:needle']);
    expect(rows.at(-1)).toMatchObject({ complete: true, entries: 9 });
    expect(found(await search('content=NEEDLE&ignore_case=1&name=*.txt'))).toEqual(['a.txt:2:two Needle', 'sub/deep/ü.txt:1:needle']);
  });

  it('finds a match wherever the chunks of a long file end, with the right line', async () => {
    const filler = `${'y'.repeat(79)}\n`;
    for (const lines of [3_276, 3_277, 6_553, 7_000]) {
      world.file('long', `${filler.repeat(lines)}here it is${'z'.repeat(50)}\n${filler.repeat(10)}`);
      expect(found(await search('content=here+it+is&name=long'))).toEqual([`long:${lines + 1}:here it is${'z'.repeat(50)}`]);
    }
    world.file('long', `${'é'.repeat(500_000)}needle${'é'.repeat(1_000)}`);
    const [match] = await search('content=needle&name=long');
    expect(match).toMatchObject({ line: 1, text: expect.stringContaining('needle') as unknown });
    expect((match as { text: string }).text.length).toBeLessThanOrEqual(limits.webdav.matchText.default);
  });

  it('stops at the limit and says so', async () => {
    expect((await search('content=e&limit=2')).at(-1)).toMatchObject({ complete: false, reason: 'matches' });
    expect(found(await search('content=e&limit=2'))).toHaveLength(2);
  });

  it('no glob is slow', () => {
    const started = performance.now();
    expect(globTest(`${'*a'.repeat(500)}b`, false)('a'.repeat(255))).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
    expect(globTest('a*c?e', false)('abcccde')).toBe(true);
    expect(globTest('*', false)('')).toBe(true);
    expect(globTest('?', false)('😀')).toBe(true);
  });
});

describe('tail', () => {
  it('is the end of the file', async () => {
    const answer = await world.ask('GET', '/fs/a.txt?rstream=tail&bytes=6');
    expect([answer.text, answer.headers[fileTailHeaders.offset], answer.headers[fileTailHeaders.size]]).toEqual(['three\n', '15', '21']);
    expect((await world.ask('GET', '/fs/a.txt?rstream=tail&bytes=1000')).text).toBe(world.content('a.txt'));
    expect((await world.ask('GET', '/fs/a.txt?rstream=tail&bytes=0')).text).toBe('');
  });

  it('follows what is added, a file that is cut short and one that is replaced, and ends with the client', async () => {
    const response = await follow('/fs/a.txt?rstream=tail&bytes=6&follow=1');
    let text = '';
    const until = async (wanted: string): Promise<void> => {
      while (!text.endsWith(wanted)) text += String((await once(response, 'data'))[0]);
    };
    await until('three\n');
    appendFileSync(join(world.root, 'a.txt'), 'four\n');
    await until('four\n');
    truncateSync(join(world.root, 'a.txt'), 0);
    await new Promise((resolve) => setTimeout(resolve, 2 * limits.webdav.followInterval.default));
    appendFileSync(join(world.root, 'a.txt'), 'five\n');
    await until('five\n');
    writeFileSync(join(world.root, 'next'), 'six\n');
    renameSync(join(world.root, 'next'), join(world.root, 'a.txt'));
    await until('six\n');
    expect(text).toBe('three\nfour\nfive\nsix\n');
    response.destroy();
    await untilNoneOpen('a.txt');
  });

  it('goes on at an offset', async () => {
    expect((await world.ask('GET', '/fs/a.txt?rstream=tail&offset=4')).text).toBe('two Needle\nthree\n');
  });
});

/** Waits until the process holds no file of that name open. */
async function untilNoneOpen(name: string): Promise<void> {
  const held = (): boolean =>
    execFileSync('ls', ['-l', `/proc/${process.pid}/fd`])
      .toString()
      .includes(`/${name}`);
  while (process.platform === 'linux' && held()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('archive', () => {
  const large = randomBytes(900_000);
  const longName = 'n'.repeat(150);
  beforeEach(() => {
    mkdirSync(join(world.root, 'sub/empty'));
    world.file('sub/large', large);
    world.file(`sub/${longName}`, 'long');
    utimesSync(join(world.root, 'sub/large'), 1_600_000_000, 1_600_000_000);
  });

  it('as ZIP has every file with its bytes, checksum, time and rights', async () => {
    chmodSync(join(world.root, 'sub/b.log'), 0o640);
    const answer = await world.ask('GET', '/fs/sub?rstream=archive');
    expect(answer.headers['content-disposition']).toBe("attachment; filename*=UTF-8''sub.zip");
    const entries = readZip(answer.body);
    expect([...entries.keys()].sort()).toEqual(['b.log', 'binary', 'deep/', 'deep/ü.txt', 'empty/', 'large', longName].sort());
    expect(entries.get('large')?.content.equals(large)).toBe(true);
    expect(entries.get('large')).toMatchObject({ year: 2020 });
    expect(entries.get('b.log')?.mode).toBe(0o100640);
    expect(entries.get('deep/ü.txt')?.content.toString()).toBe('needle');
  });

  it('as tar is read by tar, with long names', async () => {
    const { body } = await world.ask('GET', '/fs/sub?rstream=archive&format=tar');
    const target = join(world.folder, 'unpacked');
    mkdirSync(target);
    execFileSync('tar', ['-xf', '-', '-C', target], { input: body });
    expect(readdirSync(target).sort()).toEqual(readdirSync(join(world.root, 'sub')).sort());
    expect(execFileSync('diff', ['-r', target, join(world.root, 'sub')]).toString()).toBe('');
  });

  it('of a file is that file, and of a folder with links has what they lead to inside the root', async () => {
    expect([...readZip((await world.ask('GET', '/fs/a.txt?rstream=archive')).body).keys()]).toEqual(['a.txt']);
    const all = await world.ask('GET', '/fs/?rstream=archive');
    const entries = readZip(all.body);
    expect(entries.get('inside-link')?.content.toString()).toBe(world.content('a.txt'));
    expect([...entries.keys()]).not.toContain('out-file');
    expect(all.body.includes('SECRET')).toBe(false);
  });

  it('no more than a few are sent at once, and one that its client leaves makes room', async () => {
    world.file('sub/huge', '');
    truncateSync(join(world.root, 'sub/huge'), 1024 ** 3);
    const busy = await Promise.all(Array.from({ length: limits.webdav.archives.default }, () => follow('/fs/sub?rstream=archive')));
    expect((await world.ask('GET', '/fs/?rstream=archive')).status).toBe(503);
    for (const response of busy) response.destroy();
    rmSync(join(world.root, 'sub/huge'));
    let status = 503;
    while (status === 503) ({ status } = await world.ask('GET', '/fs/?rstream=archive'));
    expect(status).toBe(200);
  });
});

interface Unzipped {
  readonly content: Buffer;
  readonly mode: number;
  readonly year: number;
}

/** Reads an archive by its folder at the end, and checks every length, offset and checksum. */
function readZip(zip: Buffer): Map<string, Unzipped> {
  const end = zip.length - 22;
  expect(zip.readUInt32LE(end)).toBe(0x06054b50);
  expect(zip.readUInt32LE(end - 20)).toBe(0x07064b50);
  const end64 = Number(zip.readBigUInt64LE(end - 20 + 8));
  expect(zip.readUInt32LE(end64)).toBe(0x06064b50);
  const count = Number(zip.readBigUInt64LE(end64 + 32));
  const entries = new Map<string, Unzipped>();
  let at = Number(zip.readBigUInt64LE(end64 + 48));
  for (let index = 0; index < count; index += 1) {
    expect(zip.readUInt32LE(at)).toBe(0x02014b50);
    const nameLength = zip.readUInt16LE(at + 28);
    const extra = at + 46 + nameLength;
    const name = zip.toString('utf8', at + 46, extra);
    const [size, offset] = [Number(zip.readBigUInt64LE(extra + 4)), Number(zip.readBigUInt64LE(extra + 20))];
    expect(zip.readUInt32LE(offset)).toBe(0x04034b50);
    const start = offset + 30 + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
    const content = zip.subarray(start, start + size);
    expect(crc32(content)).toBe(zip.readUInt32LE(at + 16));
    expect(zip.readUInt32LE(start + size)).toBe(0x08074b50);
    entries.set(name, { content, mode: zip.readUInt32LE(at + 38) >>> 16, year: 1980 + (zip.readUInt16LE(at + 14) >> 9) });
    at = extra + zip.readUInt16LE(at + 30);
  }
  expect(at).toBe(end64);
  return entries;
}

describe('events', () => {
  async function listen(
    path: string,
  ): Promise<{ response: IncomingMessage; next: () => Promise<FileEvent>; until: (row: object) => Promise<void> }> {
    const response = await follow(path);
    const lines = createInterface({ input: response })[Symbol.asyncIterator]();
    const next = async (): Promise<FileEvent> => FileEvent.parse(JSON.parse(String((await lines.next()).value)));
    const until = async (row: object): Promise<void> => {
      for (;;) {
        const event = await next();
        try {
          expect(event).toMatchObject(row);
          return;
        } catch {
          continue;
        }
      }
    };
    return { response, next, until };
  }

  it('tell what is at a path now: made, changed, moved and removed, by clients or by anyone', async () => {
    const { next, until } = await listen('/fs/?rstream=events');
    expect(await next()).toEqual({ type: 'ready', folders: 1, complete: true });
    await world.ask('PUT', '/fs/new', { body: 'x' });
    expect(await next()).toMatchObject({ type: 'change', path: 'new', kind: 'file', size: 1 });
    appendFileSync(join(world.root, 'new'), 'yz');
    await until({ path: 'new', size: 3 });
    renameSync(join(world.root, 'new'), join(world.root, 'moved'));
    await until({ path: 'moved', kind: 'file' });
    rmSync(join(world.root, 'moved'));
    await until({ path: 'moved', kind: null });
    symlinkSync(join(world.outside, 'secret.txt'), join(world.root, 'way-out'));
    await until({ path: 'way-out', kind: null });
  });

  it('go as deep as asked, into folders that are made meanwhile', async () => {
    const { next, until } = await listen('/fs/?rstream=events&depth=3');
    expect(await next()).toEqual({ type: 'ready', folders: 3, complete: true });
    mkdirSync(join(world.root, 'sub/fresh'));
    writeFileSync(join(world.root, 'sub/fresh/early'), '1');
    await until({ path: 'sub/fresh/early' });
    writeFileSync(join(world.root, 'sub/fresh/late'), '1');
    await until({ path: 'sub/fresh/late' });
    writeFileSync(join(world.root, 'sub/deep/ü.txt'), 'changed');
    await until({ path: 'sub/deep/ü.txt', size: 7 });
    rmSync(join(world.root, 'sub/fresh'), { recursive: true });
    mkdirSync(join(world.root, 'sub/fresh'));
    await until({ path: 'sub/fresh', kind: 'folder' });
    writeFileSync(join(world.root, 'sub/fresh/again'), '1');
    await until({ path: 'sub/fresh/again', kind: 'file' });
  });

  it('end when the folder goes', async () => {
    const { next, until } = await listen('/fs/sub/deep?rstream=events');
    expect(await next()).toMatchObject({ type: 'ready' });
    rmSync(join(world.root, 'sub/deep'), { recursive: true });
    await until({ type: 'end', reason: 'gone' });
  });
});
