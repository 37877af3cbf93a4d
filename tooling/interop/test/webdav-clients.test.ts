import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { createClient, type WebDAVClient } from 'webdav';
import { createSidecar, type Sidecar } from '@rstream/webdav-sidecar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provide } from '../src/provide.ts';

const run = promisify(execFile);
let folder: string;
let root: string;
let url: string;
let sidecar: Sidecar;
let server: Server;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rstream-webdav-clients-'));
  root = join(folder, 'root');
  mkdirSync(root);
  sidecar = createSidecar({ root });
  server = createServer(sidecar.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fs`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await sidecar.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the webdav client of npm', () => {
  let client: WebDAVClient;
  beforeAll(() => {
    client = createClient(url);
  });

  it('writes, does not overwrite when told so, reads parts, and writes into a file', async () => {
    expect(await client.putFileContents('/a.txt', 'hello')).toBe(true);
    expect(await client.putFileContents('/a.txt', 'other', { overwrite: false })).toBe(false);
    expect(readFileSync(join(root, 'a.txt'), 'utf8')).toBe('hello');
    expect(
      (await buffer(client.createReadStream('/a.txt', { range: { start: 1, end: 2 } }) as unknown as NodeJS.ReadableStream)).toString(),
    ).toBe('el');
    await client.partialUpdateFileContents('/a.txt', 1, 2, 'EL');
    expect(await client.getFileContents('/a.txt', { format: 'text' })).toBe('hELlo');
  });

  it('locks, and unlocks with a token without brackets', async () => {
    const { token } = await client.lock('/a.txt');
    await expect(client.putFileContents('/a.txt', 'x')).rejects.toThrow('423');
    await client.unlock('/a.txt', token);
    expect(await client.putFileContents('/a.txt', 'x')).toBe(true);
  });

  it('lists, moves, copies, sees the quota and deletes', async () => {
    await client.createDirectory('/sub/deep', { recursive: true });
    await client.copyFile('/a.txt', '/sub/ü #%.txt');
    await client.moveFile('/sub/ü #%.txt', '/sub/deep/b.txt');
    expect(await client.getDirectoryContents('/sub/deep')).toMatchObject([{ basename: 'b.txt', type: 'file', size: 1 }]);
    expect(await client.getQuota()).toMatchObject({ available: expect.any(Number) as unknown });
    await client.deleteFile('/sub');
    expect(await client.exists('/sub')).toBe(false);
  });
});

it('cadaver makes, puts, copies, moves, sets properties, locks and removes', async () => {
  const local = join(folder, 'cadaver.bin');
  writeFileSync(local, randomBytes(100_000));
  const script = [
    'mkcol c',
    'cd c',
    `put ${local} one`,
    'copy one two',
    'move two three',
    'propset one colour blue',
    'propget one colour',
    'lock one',
    `put ${local} one`,
    'unlock one',
    'rm three',
    'cd ..',
    'rmcol c',
    'quit',
  ];
  const child = spawn(provide('cadaver'), [`${url}/`], { env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8' } });
  child.stdin.end(`${script.join('\n')}\n`);
  const said = (await buffer(child.stdout)).toString();
  expect(said).not.toMatch(/failed/i);
  expect(said.match(/succeeded/g)?.length).toBeGreaterThanOrEqual(8);
});

it('rclone finds that only a slash, NUL and broken UTF-8 cannot be in a name', async () => {
  const env = { ...process.env, RCLONE_CONFIG: join(folder, 'rclone.conf'), RCLONE_WEBDAV_URL: url, RCLONE_WEBDAV_VENDOR: 'owncloud' };
  mkdirSync(join(root, 'info'));
  const { stderr } = await run(
    provide('rclone'),
    ['test', 'info', '--check-length', '--check-normalization', '--check-streaming', ':webdav:info'],
    { env },
  );
  expect(stderr).not.toContain('ERROR');
});

it('unzip and tar read archives', async () => {
  mkdirSync(join(root, 'archived/sub'), { recursive: true });
  writeFileSync(join(root, 'archived/sub/ü.bin'), randomBytes(300_000));
  const archive = join(folder, 'archive.zip');
  writeFileSync(archive, Buffer.from(await (await fetch(`${url}/archived?rstream=archive`)).arrayBuffer()));
  expect(execFileSync(provide('unzip'), ['-t', archive]).toString()).toContain('No errors detected');
});
