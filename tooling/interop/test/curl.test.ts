import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync, rmSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ProcessWorld, startForward, type Forward } from '@rstream/testkit';
import { WebSocket, WebSocketServer } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provide } from '../src/provide.ts';

const GIB = 1024 ** 3;
const run = promisify(execFile);

let curl: string;
let world: ProcessWorld;
let service: Server;
let open: Forward;
let guarded: Forward;
let file: string;
let fileHash: string;

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
const residentMiB = (pid: number): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
const status = async (url: string, ...args: string[]): Promise<string> =>
  (await run(curl, ['-s', '-o', join(world.folder, 'body'), '-w', '%{http_code}', ...args, url])).stdout;

beforeAll(async () => {
  curl = provide('curl');
  service = createServer((incoming, response) => {
    if (incoming.url === '/file') createReadStream(file).pipe(response);
    else if (incoming.method === 'PUT') {
      const hash = createHash('sha256');
      incoming.on('data', (chunk: Buffer) => hash.update(chunk));
      incoming.on('end', () => response.end(hash.digest('hex')));
    } else if (incoming.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: now\n\n');
    } else response.end('hello');
  });
  const sockets = new WebSocketServer({ server: service });
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data as Buffer, { binary })));
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo;

  world = await ProcessWorld.start();
  file = join(world.folder, 'one-gibibyte');
  const block = randomBytes(1024 * 1024);
  const handle = openSync(file, 'w');
  for (let written = 0; written < GIB; written += block.length) writeSync(handle, block);
  closeSync(handle);
  fileHash = await hashOf(file);
  open = await startForward(world, port, ['--name', 'open', '--http']);
  guarded = await startForward(world, port, ['--name', 'guarded', '--http', '--token-auth']);
});

afterAll(async () => {
  await world.close();
  service.closeAllConnections();
  service.close();
});

describe('curl through a tunnel', () => {
  it('gets 200', async () => {
    expect(await status(open.url)).toBe('200');
  });

  it('downloads and uploads 1 GiB with equal hashes, and no process of ours grows with it', async () => {
    const target = join(world.folder, 'downloaded');
    await run(curl, ['-sS', '-o', target, `${open.url}/file`], { timeout: 150_000 });
    expect(await hashOf(target)).toBe(fileHash);
    rmSync(target);
    const { stdout } = await run(curl, ['-sS', '-T', file, `${open.url}/upload`], { timeout: 150_000 });
    expect(stdout).toBe(fileHash);
    for (const pid of [world.ready.pid, open.child.pid]) expect(residentMiB(pid)).toBeLessThan(320);
  });

  it('receives a server-sent event while the answer is still open', async () => {
    const child = spawn(curl, ['-sN', `${open.url}/events`], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [event] = (await once(child.stdout, 'data')) as [Buffer];
    expect(event.toString()).toBe('data: now\n\n');
    child.kill();
  });

  it('sees the right status for each refusal', async () => {
    const owner = readFileSync(world.ready.ownerTokenFile, 'utf8').trim();
    const reader = readFileSync(await world.createToken({ name: 'reader', permissions: ['tunnels.resources.read-only'] }), 'utf8').trim();
    const header = (token: string): string => {
      const path = join(world.folder, 'header');
      writeFileSync(path, `authorization: Bearer ${token}\n`, { mode: 0o600 });
      return `@${path}`;
    };
    const gone = await startForward(world, 1, ['--name', 'gone', '--http']);
    expect(await status(gone.url)).toBe('502');
    await gone.child.stop();
    expect(await status(guarded.url)).toBe('401');
    expect(await status(guarded.url, '-H', header(reader))).toBe('403');
    expect(await status(guarded.url, '-H', header(owner))).toBe('200');
    expect(await status(open.url.replace('//', '//nobody-'))).toBe('404');
  });
});

describe('a WebSocket client through a tunnel', () => {
  it('echoes text and binary messages of any size', async () => {
    const { host, port, protocol } = new URL(open.url);
    const socket = new WebSocket(`${protocol === 'https:' ? 'wss' : 'ws'}://127.0.0.1:${port}/socket`, { headers: { host } });
    await once(socket, 'open');
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const sent = randomBytes(size);
      socket.send(sent);
      const [received] = (await once(socket, 'message')) as [Buffer];
      expect(received.equals(sent)).toBe(true);
    }
    socket.close();
    await once(socket, 'close');
  });
});
