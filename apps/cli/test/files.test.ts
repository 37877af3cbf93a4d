import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FilesWorld } from './support/files-world.ts';

let world: FilesWorld;
beforeAll(async () => {
  world = await FilesWorld.start(['--fs-max-upload-size', '128MiB']);
}, 60_000);
afterAll(() => world.stop(), 30_000);

const json = (text: string): unknown => JSON.parse(text);
const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe('looking at files', () => {
  test('ls shows the folder and its entries in order, with sizes, times and tags', async () => {
    mkdirSync(world.remote('look/sub'), { recursive: true });
    writeFileSync(world.remote('look/b ü#%.txt'), 'four');
    const { code, stdout, stderr } = await world.fs('ls', '/look', '-o', 'json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const modified = expect.stringMatching(/^\d{4}-.*Z$/) as string;
    expect(json(stdout)).toEqual([
      { path: '/look', kind: 'directory', modified },
      { path: '/look/b ü#%.txt', kind: 'file', size: 4, modified, etag: expect.stringMatching(/^".+"$/) as string },
      { path: '/look/sub', kind: 'directory', modified },
    ]);
    expect((await world.run(['webtty', 'fs', 'list', 'rstrm://dev/look'])).stdout).toMatch(
      /^PATH +KIND +SIZE +MODIFIED\n\/look +directory/,
    );
  });

  test('stat, read with ranges, hash, tree and tail agree with the disk', async () => {
    mkdirSync(world.remote('tree/deep/deeper'), { recursive: true });
    const data = randomBytes(300_000);
    writeFileSync(world.remote('tree/data'), data);
    writeFileSync(world.remote('tree/deep/deeper/leaf'), 'x');
    const lines = Array.from({ length: 50_000 }, (_, at) => `line ${at}`);
    writeFileSync(world.remote('tree/log'), `${lines.join('\n')}\n`);
    expect(json((await world.fs('stat', '/tree/data', '-o', 'json')).stdout)).toMatchObject({
      path: '/tree/data',
      kind: 'file',
      size: 300_000,
    });
    expect((await world.fs('read', '/tree/log', '--range', '0-5')).stdout).toBe('line 0');
    expect((await world.fs('read', '/tree/log', '--range', '-6')).stdout).toBe('49999\n');
    expect((await world.fs('hash', '/tree/data')).stdout).toBe(`${sha(data)}  /tree/data\n`);
    expect((await world.fs('tree', '/tree')).stdout).toBe('data\ndeep/\nlog\n  deeper/\n    leaf\n');
    expect((json((await world.fs('tree', '/tree', '--depth', '1', '-o', 'json')).stdout) as unknown[]).length).toBe(3);
    expect((await world.fs('tail', '/tree/log', '-n', '9000')).stdout).toBe(`${lines.slice(-9000).join('\n')}\n`);
    expect((await world.fs('tail', '/tree/log', '-c', '6')).stdout).toBe('49999\n');
  });

  test.each([
    ['a missing file', ['read', '/none'], 'ERR_RSTREAM_FILE_NOT_FOUND', 1],
    ['a folder in place of a file', ['download', '/tree', '-'], 'ERR_RSTREAM_FILE_KIND', 1],
    ['a path that leaves the root', ['ls', '/../etc'], 'ERR_RSTREAM_USAGE', 2],
    ['a folder without a parent', ['mkdir', '/no/such'], 'ERR_RSTREAM_FILE_CONFLICT', 1],
  ])('%s is refused with a code and a next step', async (_, [verb = '', ...args], expected, status) => {
    const { code, stderr } = await world.fs(verb, ...args);
    expect(stderr).toMatch(new RegExp(`^error ${expected}: .+\\n {2}next: .+\\n$`));
    expect(code).toBe(status);
  });

  test('a device without files says so, and an unknown one too', async () => {
    await world.startAgent('bare', []);
    expect((await world.run(['webtty', 'fs', 'ls', 'rstrm://bare'])).stderr).toContain('ERR_RSTREAM_FILES_UNAVAILABLE');
    expect((await world.run(['webtty', 'fs', 'ls', 'rstrm://nobody'])).stderr).toContain('TUNNEL_NOT_FOUND');
  }, 20_000);
});

describe('changing files', () => {
  test('write takes stdin, replaces nothing without --force, and with --if-match only that state', async () => {
    const write = (input: string, ...args: string[]) =>
      world.run(['webtty', 'fs', 'write', 'rstrm://dev/w.txt', '-o', 'json', ...args], { input });
    const first = await write('one');
    expect(json(first.stdout)).toMatchObject({ path: '/w.txt', bytes: 3 });
    expect((await write('two')).stderr).toContain('ERR_RSTREAM_FILE_EXISTS');
    const { etag } = json(first.stdout) as { etag: string };
    expect((await write('three', '--if-match', etag)).code).toBe(0);
    expect((await write('four', '--if-match', etag)).stderr).toContain('ERR_RSTREAM_FILE_CHANGED');
    expect(readFileSync(world.remote('w.txt'), 'utf8')).toBe('three');
    expect((await write('five', '--force')).code).toBe(0);
    expect(readFileSync(world.remote('w.txt'), 'utf8')).toBe('five');
  });

  test('mkdir -p, cp, mv and rm do what they say, and replace nothing without --force', async () => {
    expect((await world.fs('mkdir', '-p', '/m/a/b')).code).toBe(0);
    writeFileSync(world.remote('m/f'), 'F');
    writeFileSync(world.remote('m/g'), 'G');
    expect((await world.fs('cp', '/m/f', '/m/g')).stderr).toContain('ERR_RSTREAM_FILE_EXISTS');
    expect((await world.fs('cp', '/m/f', '/m/g', '--force')).code).toBe(0);
    expect(readFileSync(world.remote('m/g'), 'utf8')).toBe('F');
    expect((await world.fs('mv', '/m/g', '/m/a')).code).toBe(0);
    expect(readFileSync(world.remote('m/a/g'), 'utf8')).toBe('F');
    expect((await world.fs('rm', '/m')).stderr).toContain('ERR_RSTREAM_FILE_KIND');
    expect((await world.fs('rm', '-r', '/m')).code).toBe(0);
    expect(existsSync(world.remote('m'))).toBe(false);
    expect((await world.fs('remove', '/m', '-f')).code).toBe(0);
  }, 20_000);

  test('a file larger than the device takes is refused with the limit', async () => {
    writeFileSync(world.here.path('huge'), Buffer.alloc(129 * 1024 * 1024));
    const { stderr } = await world.fs('upload', 'huge', '/huge');
    expect(stderr).toContain('ERR_RSTREAM_FILE_TOO_LARGE');
    expect(stderr).toContain('134217728 bytes');
    expect(readdirSync(world.root).filter((name) => name.includes('huge') || name.startsWith('.rstream'))).toEqual([]);
  }, 20_000);
});

describe('transfers', () => {
  test.each([0, 100_000, 20_000_000])(
    'a file of %i bytes goes up and comes down the same, with its time',
    async (size) => {
      const data = randomBytes(size);
      writeFileSync(world.here.path('up'), data);
      utimesSync(world.here.path('up'), 1_600_000_000, 1_600_000_000);
      const up = await world.fs('upload', 'up', `/size-${size}`, '-o', 'json');
      expect(up).toMatchObject({ code: 0, stderr: '' });
      expect(json(up.stdout)).toMatchObject({ files: 1, bytes: size, failed: [], seconds: expect.any(Number) as number });
      expect(sha(readFileSync(world.remote(`size-${size}`)))).toBe(sha(data));
      expect(statSync(world.remote(`size-${size}`)).mtimeMs).toBe(1_600_000_000_000);
      expect((await world.fs('upload', 'up', `/size-${size}`)).stderr).toContain('ERR_RSTREAM_FILE_EXISTS');
      expect((await world.fs('download', `/size-${size}`, `down-${size}`)).code).toBe(0);
      expect(sha(readFileSync(world.here.path(`down-${size}`)))).toBe(sha(data));
      expect(statSync(world.here.path(`down-${size}`)).mtimeMs).toBe(1_600_000_000_000);
      expect((await world.fs('download', `/size-${size}`, `down-${size}`)).stderr).toContain('ERR_RSTREAM_FILE_EXISTS');
      expect((await world.fs('download', `/size-${size}`, `down-${size}`, '--force')).code).toBe(0);
      expect(json((await world.fs('download', `/size-${size}`, `down-${size}`, '--no-clobber', '-o', 'json')).stdout)).toMatchObject({
        files: 0,
        skipped: 1,
      });
      const left = [...readdirSync(world.root), ...readdirSync(world.here.folder)];
      expect(left.filter((name) => name.includes('rstream-part') || name.includes('rstream-upload'))).toEqual([]);
    },
    30_000,
  );

  test('folders go up and down with filters, and links are neither followed nor written through', async () => {
    const tree = world.here.path('tree');
    mkdirSync(`${tree}/a/b`, { recursive: true });
    writeFileSync(`${tree}/a/b/deep.txt`, 'deep');
    writeFileSync(`${tree}/top.log`, 'log');
    writeFileSync(`${tree}/top.txt`, 'top');
    symlinkSync('/etc/passwd', `${tree}/link`);
    expect((await world.fs('upload', 'tree', '/t1')).stderr).toContain('ERR_RSTREAM_FILE_KIND');
    const up = await world.fs('upload', '-r', 'tree', '/t1', '--exclude', '*.log', '-o', 'json');
    expect(json(up.stdout)).toMatchObject({ files: 2, directories: 3, skipped: 1, failed: [] });
    expect((await world.fs('tree', '/t1')).stdout).toBe('a/\ntop.txt\n  b/\n    deep.txt\n');
    mkdirSync(world.here.path('into'));
    mkdirSync(world.here.path('elsewhere'));
    symlinkSync(world.here.path('elsewhere'), world.here.path('into/a'));
    const down = await world.fs('download', '-r', '/t1/', 'into2', '-o', 'json');
    expect(json(down.stdout)).toMatchObject({ files: 2, failed: [] });
    expect(readFileSync(world.here.path('into2/a/b/deep.txt'), 'utf8')).toBe('deep');
    mkdirSync(world.here.path('into/t1'));
    symlinkSync(world.here.path('elsewhere'), world.here.path('into/t1/a'));
    const refused = await world.fs('download', '-r', '/t1', 'into');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_RSTREAM_FILE_INCOMPLETE') as string });
    expect(readdirSync(world.here.path('elsewhere'))).toEqual([]);
    expect(readFileSync(world.here.path('into/t1/top.txt'), 'utf8')).toBe('top');
  }, 30_000);

  test('sync makes both sides equal, says first what it would do, and deletes only when told twice', async () => {
    const local = world.here.path('site');
    mkdirSync(`${local}/sub`, { recursive: true });
    writeFileSync(`${local}/one`, '1');
    writeFileSync(`${local}/sub/two`, '22');
    const sync = async (...args: string[]) => {
      const outcome = await world.run(['webtty', 'fs', 'sync', ...args, '-o', 'json']);
      return outcome.code === 0 ? (json(outcome.stdout) as Record<string, unknown>) : outcome.stderr;
    };
    expect(await sync('site', 'rstrm://dev/www', '--dry-run')).toMatchObject({ files: 2, dry_run: true });
    expect(existsSync(world.remote('www'))).toBe(false);
    expect(await sync('site', 'rstrm://dev/www')).toMatchObject({ files: 2, kept: 0, deleted: 0 });
    expect(await sync('site', 'rstrm://dev/www')).toMatchObject({ files: 0, kept: 2 });
    writeFileSync(`${local}/one`, 'changed');
    writeFileSync(world.remote('www/extra'), 'extra');
    expect(await sync('site', 'rstrm://dev/www', '--delete')).toContain('--yes');
    expect(await sync('site', 'rstrm://dev/www', '--delete', '--yes', '--exclude', 'extra')).toMatchObject({
      files: 1,
      kept: 1,
      deleted: 0,
    });
    expect(await sync('site', 'rstrm://dev/www', '--delete', '--yes')).toMatchObject({ files: 0, kept: 2, deleted: 1 });
    expect(readdirSync(world.remote('www')).sort()).toEqual(['one', 'sub']);
    expect(await sync('--url', 'rstrm://dev', ':/www', 'copy')).toMatchObject({ files: 2 });
    expect(readFileSync(world.here.path('copy/one'), 'utf8')).toBe('changed');
    utimesSync(world.here.path('copy/one'), 5, 5);
    expect(await sync('--url', 'rstrm://dev', ':/www', 'copy', '--checksum')).toMatchObject({ files: 0, kept: 2 });
    writeFileSync(world.here.path('copy/sub/more'), 'more');
    expect(await sync('rstrm://dev/www', 'copy', '--delete', '--yes')).toMatchObject({ files: 1, deleted: 1 });
    expect(readdirSync(world.here.path('copy/sub'))).toEqual(['two']);
  }, 60_000);
});

describe('a carrier that is cut', () => {
  const cutting = async <Result>(every: number, most: number, work: () => Promise<Result>): Promise<Result> => {
    world.proxy.cutEvery(every, most);
    const result = await work();
    const { cuts } = world.proxy;
    world.proxy.cutEvery(0);
    expect(cuts).toBe(most);
    return result;
  };

  test('a download of 40 MB goes on after each of 10 cuts', async () => {
    const data = randomBytes(40_000_000);
    writeFileSync(world.remote('cut-down'), data);
    const outcome = await cutting(3_000_000, 10, () => world.fs('download', '/cut-down', 'cut-down', '-o', 'json'));
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    expect(sha(readFileSync(world.here.path('cut-down')))).toBe(sha(data));
  }, 60_000);

  test('an upload of 40 MB goes on after each of 10 cuts', async () => {
    const data = randomBytes(40_000_000);
    writeFileSync(world.here.path('cut-up'), data);
    const outcome = await cutting(3_000_000, 10, () => world.fs('upload', 'cut-up', '/cut-up', '-o', 'json'));
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    expect(sha(readFileSync(world.remote('cut-up')))).toBe(sha(data));
  }, 60_000);

  test('tail -f shows what is added, also after a cut, each byte once, and ends with Ctrl-C', async () => {
    writeFileSync(world.remote('followed'), 'old\nfirst\n');
    const child = world.here.start(['webtty', 'fs', 'tail', '-f', '-n', '1', 'rstrm://dev/followed']);
    let seen = '';
    const shows = async (text: string): Promise<void> => {
      while (!seen.endsWith(text)) seen += String((await once(child.stdout, 'data'))[0]);
    };
    await shows('first\n');
    appendFileSync(world.remote('followed'), 'second\n');
    await shows('second\n');
    world.proxy.cut();
    appendFileSync(world.remote('followed'), 'third\n');
    await shows('third\n');
    expect(seen).toBe('first\nsecond\nthird\n');
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    expect((await ended)[0]).toBe(0);
  }, 30_000);
});
