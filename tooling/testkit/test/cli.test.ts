import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fetchLocal, ProcessWorld, startForward, type Child } from '../src/index.ts';

let world: ProcessWorld;
let device: Child;
let web: HttpServer;
let counter: Server;

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const exec = (...args: string[]) => world.attempt('rstream', ['webtty', 'exec', '--url', 'rstrm://device', ...args]);
const statusOf = async (name: string): Promise<string | undefined> => {
  const rows = JSON.parse((await world.run('rstream', ['tunnel', 'list', '-o', 'json'])).stdout) as { name?: string; status: string }[];
  return rows.find((row) => row.name === name)?.status;
};
const objects = (child: Child): Record<string, unknown>[] =>
  child.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

beforeAll(async () => {
  web = createHttp((_request, response) => response.end('alive')).listen(0, '127.0.0.1');
  // Answers only once its client has said all: what a half-open connection is for.
  counter = createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length));
    socket.on('end', () => socket.end(`${bytes} bytes\n`));
  }).listen(0, '127.0.0.1');
  await Promise.all([once(web, 'listening'), once(counter, 'listening')]);
  world = await ProcessWorld.start();
  device = await world.startDevice();
}, 60_000);

afterAll(async () => {
  await world.close();
  web.closeAllConnections();
  web.close();
  counter.close();
});

describe('the exit code of rstream webtty exec', () => {
  it.each([
    [0, 'the command succeeds', ['--', 'true']],
    [3, 'the command fails', ['--', 'sh', '-c', 'exit 3']],
    [124, 'its time is up', ['--timeout', '300ms', '--', 'sleep', '300']],
    [125, 'the folder does not exist', ['-w', '/no/such/folder', '--', 'true']],
    [126, 'the program is not executable', ['--', '/etc/passwd']],
    [127, 'the program is not found', ['--', 'no-such-program']],
    [128 + 9, 'a signal ends the command', ['--', 'sh', '-c', 'kill -KILL $$']],
    [2, 'the command line makes no sense', ['--timeout', 'soon', '--', 'true']],
  ])('is %d when %s', async (code, _, args) => {
    const outcome = await exec(...args);
    expect(outcome.code).toBe(code);
    expect(outcome.stdout + outcome.stderr).not.toMatch(/^\s+at /m);
    // Either the command's own result, or a code and a next step: never silence.
    if (outcome.stdout === '') expect(outcome.stderr).toMatch(/ERR_RSTREAM_[A-Z_]+[\s\S]*next/);
  });

  it('is 125 with a code when the device is unknown', async () => {
    const outcome = await world.attempt('rstream', ['webtty', 'exec', '--url', 'rstrm://nobody', '--', 'true']);
    expect(outcome.code).toBe(125);
    expect(JSON.parse(outcome.stderr)).toMatchObject({ code: 'TUNNEL_NOT_FOUND', next: expect.any(String) as string });
  });
});

it('netcat passes the end of its input on and reads the answer that comes after it', async () => {
  const tunnel = await startForward(world, portOf(counter), ['--no-publish', '--bytestream', '--name', 'count']);
  const { stdout } = await world.run('rstream', ['netcat', 'rstrm://count'], 'x'.repeat(300_000));
  expect(stdout).toBe('300000 bytes\n');
  await tunnel.child.stop();
});

it('forward -o json says each change and each connection on a line of its own, and ends with 0 on Ctrl-C', async () => {
  const { child, url } = await startForward(world, portOf(web), ['--name', 'shape', '--http']);
  expect((await fetchLocal(url)).body).toBe('alive');
  await child.until((said) => objects(said).some(({ active }) => active === false));
  const said = objects(child);
  expect(said.flatMap(({ status }) => status ?? [])).toEqual(['connecting', 'connected', 'online']);
  expect(said[2]).toMatchObject({ forwarding: url, tunnel_id: expect.stringMatching(/^tun_/) as string });
  const [opened, closed] = said.slice(3);
  expect(opened).toMatchObject({ active: true, stream_id: closed?.['stream_id'], source_ip: '127.0.0.1' });
  child.process.kill('SIGINT');
  expect((await child.exited).code).toBe(0);
  expect(objects(child).at(-1)).toMatchObject({ status: 'stopped' });
});

it('a second forward with the same credential takes the name over; with another one it is told that the name is taken', async () => {
  const first = await startForward(world, portOf(web), ['--name', 'contested', '--http']);
  const second = await startForward(world, portOf(web), ['--name', 'contested', '--http']);
  expect((await first.child.exited).code).not.toBe(0);
  expect(first.child.stderr).toContain('TUNNEL_REPLACED');
  const token = await world.createToken({ name: 'stranger', permissions: ['tunnels.tunnels.create-delete'] });
  const context = ['context', 'create', 'stranger', '--engine', world.ready.engine, '--token-file', token, '--no-api-url'];
  await world.run('rstream', context);
  const third = world.spawn('rstream', ['--context', 'stranger', 'forward', String(portOf(web)), '--name', 'contested', '-o', 'json']);
  await third.until((said) => said.stdout.includes('TUNNEL_CONFLICT'));
  expect((await fetchLocal(second.url)).body).toBe('alive');
  await Promise.all([third.stop(), second.child.stop()]);
});

it('revoking a token ends what lives on it within 2 s, with a code', async () => {
  const token = await world.createToken({ name: 'short-lived', permissions: ['all'] });
  const context = ['context', 'create', 'revoked', '--engine', world.ready.engine, '--token-file', token, '--no-api-url'];
  await world.run('rstream', context);
  const { child } = await startForward(world, portOf(web), ['--name', 'doomed', '--http', '--context', 'revoked']);
  const data = ['--data-dir', world.data];
  const { tokens } = JSON.parse((await world.run('rstream-hosted', ['token', 'list', ...data, '-o', 'json'])).stdout) as {
    tokens: { id: string; name: string }[];
  };
  const { id } = tokens.find(({ name }) => name === 'short-lived') ?? { id: '' };
  await world.run('rstream-hosted', ['token', 'revoke', id, ...data]);
  const revoked = performance.now();
  expect((await child.exited).code).not.toBe(0);
  expect(performance.now() - revoked).toBeLessThan(2_000);
  expect(child.stderr).toContain('UNAUTHORIZED');
  expect(await statusOf('doomed')).not.toBe('online');
});

it('a device that stopped answering is offline within 10 s, and is back when it answers again', async () => {
  device.process.kill('SIGSTOP');
  const stopped = performance.now();
  try {
    await vi.waitUntil(async () => (await statusOf('device')) !== 'online', { timeout: 12_000, interval: 250 });
    expect(performance.now() - stopped).toBeLessThan(10_000);
    const outcome = await exec('--', 'true');
    expect(outcome.code).toBe(125);
    expect(JSON.parse(outcome.stderr)).toMatchObject({ code: expect.stringMatching(/TUNNEL_(OFFLINE|NOT_FOUND)/) as string });
  } finally {
    device.process.kill('SIGCONT');
  }
  await vi.waitUntil(async () => (await statusOf('device')) === 'online', { timeout: 10_000, interval: 250 });
  expect((await exec('--', 'true')).code).toBe(0);
}, 40_000);

it('no token of this world stands in anything that any process said', () => {
  const names = ['stranger', 'short-lived'].map((name) => join(world.folder, `${name}.token`));
  for (const file of [world.ready.ownerTokenFile, ...names]) {
    expect(world.everythingSaid).not.toContain(readFileSync(file, 'utf8').trim());
  }
});
