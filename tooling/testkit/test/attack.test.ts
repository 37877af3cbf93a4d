import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchLocal, ProcessWorld, startForward, type Forward } from '../src/index.ts';

const full = process.env['RSTREAM_TEST_FULL'] === '1';
const ATTEMPTS = full ? 10_000 : 1_000;
const WIDTH = 64;
/** What a process may grow by while it is attacked: garbage is refused, not kept. */
const ALLOWED_GROWTH_MIB = 96;

let world: ProcessWorld;
let service: Server;
let open: Forward;
let guarded: Forward;

const residentMiB = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.ready.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** Runs `attempt` many times, a bounded number at once. */
async function many(count: number, attempt: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      for (let index = next++; index < count; index = next++) await attempt(index);
    }),
  );
}

async function stillServes(): Promise<void> {
  const answer = await fetchLocal(open.url);
  expect([answer.status, answer.body]).toEqual([200, 'alive']);
}

const rawConnection = (): Socket => connect(world.port, '127.0.0.1').on('error', () => undefined);

beforeAll(async () => {
  service = createServer((_request, response) => response.end('alive')).listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo;
  world = await ProcessWorld.start();
  open = await startForward(world, port, ['--name', 'open', '--http']);
  guarded = await startForward(world, port, ['--name', 'guarded', '--http', '--token-auth']);
}, 60_000);

afterAll(async () => {
  await world.close();
  service.closeAllConnections();
  service.close();
});

describe('under attack', () => {
  it(`${ATTEMPTS} bad or expired tokens are refused with flat memory, while a good token works`, async () => {
    const owner = readFileSync(world.ready.ownerTokenFile, 'utf8').trim();
    const expired = readFileSync(
      await world.createToken({ name: 'short', permissions: ['tunnels.streams.create-delete'], args: ['--ttl', '1s'] }),
      'utf8',
    ).trim();
    const payload = expired.split('.')[1] ?? '';
    const expiry = (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number }).exp * 1000;
    const forgeries = [
      expired,
      `${expired.slice(0, -4)}AAAA`,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`,
      'not-a-token',
      randomBytes(3_000).toString('base64url'),
    ];
    while (Date.now() < expiry + 1_000) await fetchLocal(open.url);
    const agent = new Agent({ keepAlive: true, maxSockets: WIDTH });
    const { host } = new URL(guarded.url);
    const statuses = new Map<number, number>();
    const before = residentMiB();
    await many(ATTEMPTS, async (index) => {
      const status = await new Promise<number>((resolve, reject) => {
        const headers = { host, authorization: `Bearer ${forgeries[index % forgeries.length] ?? ''}` };
        const outgoing = request({ host: '127.0.0.1', port: world.port, agent, headers }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        });
        outgoing.on('error', reject).end();
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    });
    agent.destroy();
    expect([...statuses.keys()].filter((status) => status !== 401 && status !== 429)).toEqual([]);
    expect(residentMiB() - before).toBeLessThan(ALLOWED_GROWTH_MIB);
    const good = await fetchLocal(guarded.url, { headers: { authorization: `Bearer ${owner}` } });
    expect(good.status).toBe(200);
  }, 180_000);

  it(`${ATTEMPTS} bad session credentials are refused, while a good one connects`, async () => {
    const statuses = new Set<number>();
    await many(ATTEMPTS, async (index) => {
      const answer = await fetchLocal(`http://${world.ready.engine}/api/session`, {
        headers: { connection: 'Upgrade', upgrade: 'rstream-mux/1', authorization: `Bearer forged-${index}` },
      });
      statuses.add(answer.status);
    });
    expect([...statuses].filter((status) => status !== 401 && status !== 429)).toEqual([]);
    expect((await world.run('rstream', ['tunnel', 'list', '-o', 'json'])).stdout).toContain('"open"');
  }, 180_000);

  it(`${ATTEMPTS} connections of garbage leave the service up and its memory flat`, async () => {
    const before = residentMiB();
    await many(ATTEMPTS, async (index) => {
      const socket = rawConnection();
      const closed = once(socket, 'close');
      socket.resume();
      socket.write(index % 2 === 0 ? randomBytes(512) : `GET / HTTP/1.1\r\nHost: ${'x'.repeat(40_000)}`);
      socket.end();
      await closed;
    });
    expect(residentMiB() - before).toBeLessThan(ALLOWED_GROWTH_MIB);
    await stillServes();
  }, 180_000);

  it('heads that never end do not keep others out, and are cut by the head deadline', async () => {
    const slow = Array.from({ length: 200 }, () => {
      const socket = rawConnection();
      socket.resume();
      socket.write(`GET / HTTP/1.1\r\nHost: ${new URL(open.url).host}\r\nX-Slow: `);
      return { socket, closed: once(socket, 'close') };
    });
    await stillServes();
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write('a')), 500);
    await Promise.all(slow.map(({ closed }) => closed));
    clearInterval(drip);
    await stillServes();
  }, 60_000);

  it('an address that mimics another project or the control plane is not served as one', async () => {
    const [, project = ''] = /-([0-9a-f]{8})\.t\./.exec(open.url) ?? [];
    const foreign = open.url.replace(project, '00000000');
    expect((await fetchLocal(foreign)).status).toBe(404);
    expect((await fetchLocal(`http://evil.example:${world.port}/api/tunnels`)).status).toBe(404);
  });

  it('no token stands in anything that any process said', () => {
    const owner = readFileSync(world.ready.ownerTokenFile, 'utf8').trim();
    expect(world.everythingSaid).not.toContain(owner);
    expect(world.everythingSaid).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/);
  });
});
