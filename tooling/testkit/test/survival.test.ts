import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchLocal, ProcessWorld, startForward, type Child, type Forward } from '../src/index.ts';

let world: ProcessWorld;
let service: Server;
let device: Child;
let hosted: Child | undefined;
let forward: Forward;

interface InventoryRow {
  readonly name?: string;
  readonly status: string;
}
const tunnels = async (): Promise<InventoryRow[]> =>
  JSON.parse((await world.run('rstream', ['tunnel', 'list', '-o', 'json'])).stdout) as InventoryRow[];
const exec = (...command: string[]) =>
  world.attempt('rstream', ['webtty', 'exec', '--url', 'rstrm://device', '--timeout', '60s', '--', ...command]);

/** Asks until the answer is wanted; the product recovers by itself, and this only watches. */
async function eventually<T>(ask: () => Promise<T>, accept: (answer: T) => boolean, milliseconds: number): Promise<T> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (accept(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(answer)} after ${milliseconds} ms`);
  }
}

beforeAll(async () => {
  service = createServer((_request, response) => response.end('alive')).listen(0, '127.0.0.1');
  await once(service, 'listening');
  world = await ProcessWorld.start();
  hosted = world.children[0];
  device = await world.startDevice();
  forward = await startForward(world, (service.address() as AddressInfo).port, ['--name', 'web', '--http']);
}, 60_000);

afterAll(async () => {
  await world.close();
  service.closeAllConnections();
  service.close();
});

describe('when something is killed in the middle of work', () => {
  it('a killed device ends the running command with a code within seconds, and a new device takes its name', async () => {
    const running = exec('sh', '-c', 'echo started; sleep 60');
    await eventually(tunnels, (rows) => rows.some(({ name, status }) => name === 'device' && status === 'online'), 10_000);
    device.process.kill('SIGKILL');
    const killedAt = performance.now();
    const outcome = await running;
    expect(outcome.code).toBe(125);
    expect(performance.now() - killedAt).toBeLessThan(12_000);
    device = await world.startDevice();
    expect((await exec('echo', 'back')).code).toBe(0);
  }, 60_000);

  it('a killed forward is noticed, and its successor with the same name takes over at once', async () => {
    forward.child.process.kill('SIGKILL');
    await forward.child.exited;
    const gone = await eventually(
      () => fetchLocal(forward.url),
      ({ status }) => status === 502,
      12_000,
    );
    expect(gone.headers['rstream-error']).toMatch(/TUNNEL_OFFLINE|SESSION_LOST/);
    forward = await startForward(world, (service.address() as AddressInfo).port, ['--name', 'web', '--http']);
    expect((await fetchLocal(forward.url)).body).toBe('alive');
  }, 60_000);

  it('a killed hosted process is survived: device and forward are back by themselves once it runs again', async () => {
    hosted?.process.kill('SIGKILL');
    await hosted?.exited;
    hosted = await world.startHosted();
    const restarted = performance.now();
    await eventually(tunnels, (rows) => rows.filter(({ status }) => status === 'online').length >= 2, 15_000);
    expect(performance.now() - restarted).toBeLessThan(10_000);
    expect((await fetchLocal(forward.url)).body).toBe('alive');
    expect((await exec('echo', 'again')).code).toBe(0);
  }, 60_000);

  it('a stopped hosted process drains, exits 0, removes its ready file, and its agents are back within 3 s of the next start', async () => {
    const exit = await hosted?.stop();
    expect(exit?.code).toBe(0);
    hosted = await world.startHosted();
    const restarted = performance.now();
    await eventually(tunnels, (rows) => rows.filter(({ status }) => status === 'online').length >= 2, 15_000);
    expect(performance.now() - restarted).toBeLessThan(3_000 + 1_500);
  }, 60_000);

  it('no token of this world stands in anything that any process said', async () => {
    const { readFileSync, readdirSync } = await import('node:fs');
    const { join } = await import('node:path');
    const files = [
      world.ready.ownerTokenFile,
      ...readdirSync(world.folder)
        .filter((name) => name.endsWith('.token'))
        .map((name) => join(world.folder, name)),
    ];
    for (const file of files) expect(world.everythingSaid).not.toContain(readFileSync(file, 'utf8').trim());
  });
});
