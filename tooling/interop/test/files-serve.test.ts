import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from 'webdav';
import { FilesWorld } from '../../../apps/cli/test/support/files-world.ts';
import { nodeArgs } from '../../../apps/cli/test/support/run.ts';
import { find, provide } from '../src/provide.ts';

const run = promisify(execFile);

interface Served {
  readonly child: ChildProcessWithoutNullStreams;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** `rstream webtty fs serve` over a real relay and a real agent, and the clients that people use. */
let world: FilesWorld;
let served: Served;

async function serve(...args: string[]): Promise<Served> {
  const child = spawn(process.execPath, [...nodeArgs, 'webtty', 'fs', 'serve', 'rstrm://dev', '-o', 'json', ...args], {
    env: world.here.env,
  });
  for await (const line of createInterface({ input: child.stdout })) return { child, ...(JSON.parse(line) as Omit<Served, 'child'>) };
  throw new Error('serve ended');
}

async function interrupt({ child }: Served): Promise<number | null> {
  const ended = once(child, 'close') as Promise<[number | null]>;
  child.kill('SIGINT');
  return (await ended)[0];
}

beforeAll(async () => {
  world = await FilesWorld.start(['--fs-max-upload-size', '1GiB']);
  served = await serve();
}, 60_000);
afterAll(async () => {
  await interrupt(served);
  await world.stop();
}, 30_000);

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function statusOf({ url }: Served, { method = 'PROPFIND', path, headers = {} }: Ask): Promise<number | undefined> {
  const asked = request({
    host: '127.0.0.1',
    port: new URL(url).port,
    method,
    path: path ?? new URL(url).pathname,
    headers: { depth: '0', ...headers },
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [{ statusCode?: number; resume(): void }];
  answer.resume();
  return answer.statusCode;
}

const basic = (user: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

describe('who may come in', () => {
  it('nobody without user and password, and nobody under another host name', async () => {
    const { username, password } = served;
    const right = basic(username, password);
    expect(password.length).toBeGreaterThanOrEqual(26);
    expect(await statusOf(served, { headers: right })).toBe(207);
    expect(await statusOf(served, {})).toBe(401);
    expect(await statusOf(served, { headers: basic(username, `${password}x`) })).toBe(401);
    expect(await statusOf(served, { headers: basic('', '') })).toBe(401);
    expect(await statusOf(served, { method: 'PUT', path: '/fs/evil' })).toBe(401);
    expect(await statusOf(served, { headers: { ...right, host: 'evil.example' } })).toBe(421);
    expect(await statusOf(served, { headers: { ...right, host: `127.0.0.1:1` } })).toBe(421);
    expect(await statusOf(served, { headers: right, path: '/other' })).toBe(404);
    expect(await statusOf(served, { method: 'MOVE', path: '/fs/a', headers: { ...right, destination: 'http://elsewhere/fs/b' } })).toBe(
      502,
    );
    expect(existsSync(world.remote('evil'))).toBe(false);
  });

  it('a second run has another password, refuses writing when told so, and an address of the network without a flag', async () => {
    const second = await serve('--read-only');
    expect(second.password).not.toBe(served.password);
    const right = basic(second.username, second.password);
    expect(await statusOf(second, { headers: right })).toBe(207);
    expect(await statusOf(second, { headers: basic(served.username, served.password) })).toBe(401);
    expect(await statusOf(second, { method: 'MKCOL', path: '/fs/no', headers: right })).toBe(403);
    expect(await interrupt(second)).toBe(0);
    const refused = await world.run(['webtty', 'fs', 'serve', 'rstrm://dev', '--listen', '0.0.0.0:0']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--allow-remote') as string });
  }, 20_000);
});

describe('clients', () => {
  it('rclone copies, checks and moves, with modification times', async () => {
    const { url, username, password } = served;
    const rclone = provide('rclone');
    const obscured = (await run(rclone, ['obscure', password])).stdout.trim();
    const env = {
      ...world.here.env,
      RCLONE_CONFIG_DEV_TYPE: 'webdav',
      RCLONE_CONFIG_DEV_URL: url,
      RCLONE_CONFIG_DEV_VENDOR: 'owncloud',
      RCLONE_CONFIG_DEV_USER: username,
      RCLONE_CONFIG_DEV_PASS: obscured,
    };
    const source = world.here.path('rclone');
    mkdirSync(`${source}/ä #%/deep`, { recursive: true });
    for (let file = 0; file < 200; file += 1) writeFileSync(`${source}/ä #%/deep/${file}`, randomBytes(file * 100));
    writeFileSync(`${source}/large`, randomBytes(30_000_000));
    utimesSync(`${source}/large`, 1_600_000_000, 1_600_000_000);
    await run(rclone, ['copy', source, 'dev:copied'], { env });
    expect(statSync(world.remote('copied/large')).mtimeMs).toBe(1_600_000_000_000);
    await run(rclone, ['check', '--download', source, 'dev:copied'], { env });
    await run(rclone, ['moveto', 'dev:copied/large', 'dev:moved'], { env });
    expect(readFileSync(world.remote('moved')).equals(readFileSync(`${source}/large`))).toBe(true);
    await run(rclone, ['purge', 'dev:copied'], { env });
    expect(readdirSync(world.root)).not.toContain('copied');
  }, 60_000);

  it('npm webdav reads, writes, moves and locks', async () => {
    const { url, username, password } = served;
    const client = createClient(url, { username, password });
    await client.createDirectory('/npm');
    await client.putFileContents('/npm/a b', 'content');
    expect(await client.putFileContents('/npm/a b', 'other', { overwrite: false })).toBe(false);
    await client.moveFile('/npm/a b', '/npm/ü');
    expect(await client.getFileContents('/npm/ü', { format: 'text' })).toBe('content');
    expect(await client.getDirectoryContents('/npm')).toMatchObject([{ basename: 'ü', size: 7, type: 'file' }]);
    const lock = await client.lock('/npm/ü');
    await expect(client.putFileContents('/npm/ü', 'no')).rejects.toThrow('423');
    await client.unlock('/npm/ü', lock.token);
    await client.deleteFile('/npm');
    expect(existsSync(world.remote('npm'))).toBe(false);
  });

  it.runIf(find('cadaver') !== undefined)(
    'cadaver logs in, uploads, moves and downloads',
    async () => {
      const { url, username, password } = served;
      const { hostname } = new URL(url);
      writeFileSync(world.here.path('.netrc'), `machine ${hostname} login ${username} password ${password}\n`, { mode: 0o600 });
      writeFileSync(world.here.path('cadaver.txt'), 'from cadaver');
      const child = spawn(provide('cadaver'), [url], { env: { ...world.here.env, TERM: 'dumb' }, cwd: world.here.folder });
      child.stdin.end('mkcol cad\nput cadaver.txt cad/one\nmove cad/one cad/two\nget cad/two back.txt\nquit\n');
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      await once(child, 'close');
      expect(output).not.toMatch(/failed/i);
      expect(readFileSync(world.remote('cad/two'), 'utf8')).toBe('from cadaver');
      expect(readFileSync(world.here.path('back.txt'), 'utf8')).toBe('from cadaver');
    },
    20_000,
  );

  const canMount = process.getuid?.() === 0 && existsSync('/dev/fuse') && find('mount.davfs') !== undefined;
  it.runIf(canMount)(
    'davfs2 mounts it, and files written there are on the device',
    async () => {
      const { url, username, password } = served;
      const mountPoint = world.here.path('mounted');
      mkdirSync(mountPoint);
      writeFileSync(
        world.here.path('davfs.conf'),
        `ask_auth 0\nuse_locks 1\ndelay_upload 0\nsecrets ${world.here.path('davfs.secrets')}\n`,
      );
      writeFileSync(world.here.path('davfs.secrets'), `${url} ${username} ${password}\n`, { mode: 0o600 });
      // Before the mount, which looks at a folder again only after a minute.
      writeFileSync(world.remote('there.txt'), 'on the device');
      await run(provide('mount.davfs'), [url, mountPoint, '-o', `conf=${world.here.path('davfs.conf')}`]);
      try {
        // Never a synchronous call: the bytes come through this process.
        expect(await readFile(`${mountPoint}/there.txt`, 'utf8')).toBe('on the device');
        await writeFile(`${mountPoint}/written.txt`, 'through the mount');
      } finally {
        await run('umount', [mountPoint]);
      }
      expect(readFileSync(world.remote('written.txt'), 'utf8')).toBe('through the mount');
    },
    60_000,
  );
});

it('ends with Ctrl-C at once, also while something is downloaded', async () => {
  writeFileSync(world.remote('long'), randomBytes(50_000_000));
  const third = await serve();
  const { url, username, password } = third;
  const asked = request(`${url}long`, { headers: basic(username, password) });
  asked.on('error', () => {});
  asked.end();
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  answer.on('error', () => {});
  expect(await interrupt(third)).toBe(0);
}, 20_000);
