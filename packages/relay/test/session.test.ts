import { createServer, connect as connectSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RstreamError } from '@rstream/protocol';
import type { EngineEvent, TunnelProperties } from '@rstream/protocol/tunnel';
import { ControlChannel, createSession, linkedPair, readAnswer, sendOpenHeader, type RelaySession } from '@rstream/tunnel-core';
import { describe, expect, test } from 'vitest';
import { RawClient, createWorld, listening, otherProject, project, type World } from './world.ts';

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: RstreamError) => error.code,
  );
const open = (session: RelaySession, properties: TunnelProperties): Promise<string> => codeOf(session.listen(properties));

describe('opening a tunnel', () => {
  test.each<[string, TunnelProperties, string]>([
    ['a private one with a name', { publish: false, name: 'a' }, 'OK'],
    ['a private webtty', { publish: false, protocol: 'webtty' }, 'OK'],
    ['a published one without a protocol is http', {}, 'OK'],
    ['a host name of the project', { hostname: `shop-${project.endpoint}.t.rstream.localhost` }, 'OK'],
    ['only a label', { hostname: 'shop' }, 'OK'],
    ['a host name of another project', { hostname: `shop-${otherProject.endpoint}.t.rstream.localhost` }, 'INVALID_REQUEST'],
    ['a host name elsewhere', { hostname: 'www.example.com' }, 'INVALID_REQUEST'],
    ['the control plane', { hostname: 'rstream.localhost' }, 'INVALID_REQUEST'],
    ['a port without tcp', { port: 80 }, 'INVALID_REQUEST'],
    ['token_auth on a private tunnel', { publish: false, token_auth: true }, 'INVALID_REQUEST'],
    ['a bad network', { trusted_ips: ['10.0.0.0/40'] }, 'INVALID_REQUEST'],
    ['tcp', { protocol: 'tcp' }, 'FEATURE_NOT_AVAILABLE'],
    ['tls', { protocol: 'tls' }, 'FEATURE_NOT_AVAILABLE'],
    ['a published webtty', { protocol: 'webtty' }, 'FEATURE_NOT_AVAILABLE'],
    ['countries', { geo_ip: ['FR'] }, 'FEATURE_NOT_AVAILABLE'],
    ['mtls', { mtls_auth: true }, 'FEATURE_NOT_AVAILABLE'],
    ['rstream auth', { rstream_auth: true }, 'FEATURE_NOT_AVAILABLE'],
  ])('%s', async (_name, properties, code) => {
    await using world = await createWorld();
    expect(await open(await world.client(), properties)).toBe(code);
  });

  test('gives an address that says where it is', async () => {
    await using world = await createWorld();
    const session = await world.client();
    const named = await session.listen({ publish: false, name: 'inside' });
    expect(named.forwarding).toBe('rstrm://inside');
    const published = await session.listen({});
    expect(published.forwarding).toMatch(new RegExp(`^http://[a-z]{8}\\d\\d-${project.endpoint}\\.t\\.rstream\\.localhost:${world.port}$`));
    expect(published.tunnel).toMatchObject({
      status: 'online',
      publish: true,
      protocol: 'http',
      type: 'bytestream',
      client_id: session.clientId,
      project_id: project.id,
    });
  });

  test('needs a grant for exactly this tunnel', async () => {
    await using world = await createWorld();
    world.authority.add('narrow', {
      credentialId: 'crd_n',
      allows: (action) => action.type !== 'tunnel.create' || action.tunnel['name'] === 'mine',
    });
    const session = await world.client({ token: 'narrow' });
    expect(await open(session, { publish: false, name: 'other' })).toBe('FORBIDDEN');
    expect(await open(session, { publish: false, name: 'mine' })).toBe('OK');
  });

  test('stops at the limit of one session', async () => {
    await using world = await createWorld({ limits: { tunnelsPerClient: 2 } });
    const session = await world.client();
    expect([await open(session, {}), await open(session, {}), await open(session, {})]).toEqual(['OK', 'OK', 'CAPACITY_EXHAUSTED']);
  });
});

describe('a name', () => {
  test('goes at once to a newcomer with the same credential, and the older session is fenced', async () => {
    await using world = await createWorld();
    const first = await world.publish((_request, response) => response.end('first'), { name: 'web', hostname: 'web' });
    const running = new RawClient(world.port).write(`GET / HTTP/1.1\r\nHost: ${first.host}\r\n\r\n`);
    await running.until(/first/);
    const second = await world.publish((_request, response) => response.end('second'), { name: 'web', hostname: 'web' });
    expect((await first.tunnel.closed)?.code).toBe('TUNNEL_REPLACED');
    expect(second.host).toBe(first.host);
    running.write(`GET / HTTP/1.1\r\nHost: ${first.host}\r\n\r\n`);
    expect(await running.until(/second/)).toContain('second');
    expect(first.session.session.isClosed).toBe(false);
  });

  test('is refused to another credential while its holder lives, and given when the holder is gone', async () => {
    await using world = await createWorld();
    world.authority.add('rival', { credentialId: 'crd_rival' });
    const holder = await world.client();
    await holder.listen({ publish: false, name: 'db' });
    const rival = await world.client({ token: 'rival' });
    expect(await open(rival, { publish: false, name: 'db' })).toBe('TUNNEL_CONFLICT');
    await holder.close();
    await expect.poll(() => open(rival, { publish: false, name: 'db' })).toBe('OK');
  });

  test('stays with the later connection of one process', async () => {
    await using world = await createWorld();
    const later = await world.client({ instanceId: 'p1', generation: 2 });
    await later.listen({ publish: false, name: 'db' });
    const earlier = await world.client({ instanceId: 'p1', generation: 1 });
    expect(await open(earlier, { publish: false, name: 'db' })).toBe('TUNNEL_REPLACED');
    expect(await open(later, { publish: false, name: 'db' })).toBe('TUNNEL_CONFLICT');
  });
});

describe('a private dial', () => {
  const target = (world: World): Promise<unknown> =>
    world.publish((_request, response) => response.end('private'), { publish: false, name: 'inside', labels: { a: 'b' } });

  test('tells the device who is calling, proven', async () => {
    await using world = await createWorld();
    world.authority.add('operator', { credentialId: 'crd_op' });
    const device = await world.client();
    const tunnel = await device.listen({ publish: false, name: 'inside' });
    const seen = Promise.withResolvers<unknown>();
    tunnel.onStream((stream, header, accept) => {
      accept();
      seen.resolve(header);
      stream.end('hi');
    });
    const operator = await world.client({ token: 'operator' });
    const stream = await operator.dial('inside');
    expect(String(await stream.toArray())).toBe('hi');
    stream.end();
    expect(await seen.promise).toMatchObject({
      via: 'dial',
      user_id: 'usr_of_crd_op',
      credential_id: 'crd_op',
      tunnel_id: tunnel.tunnel.id,
    });
    expect(String(await (await operator.dial(tunnel.tunnel.id)).toArray())).toBe('hi');
  });

  test('is refused with a code: unknown, not allowed, other project', async () => {
    await using world = await createWorld();
    await target(world);
    world.authority.add('blind', { credentialId: 'crd_b', allows: (action) => action.type !== 'tunnel.connect' });
    world.authority.add('stranger', { credentialId: 'crd_s', project: otherProject });
    const dial = async (token: string, name: string): Promise<string> => codeOf((await world.client({ token })).dial(name));
    expect(await dial('owner', 'nothing')).toBe('TUNNEL_NOT_FOUND');
    expect(await dial('blind', 'inside')).toBe('FORBIDDEN');
    const path = { path: '/share/1/' };
    world.authority.add('narrow', {
      credentialId: 'crd_n',
      allows: (action) => action.type !== 'tunnel.connect' || action.path === path.path,
    });
    expect(await codeOf((await world.client({ token: 'narrow' })).dial('inside', path))).toBe('FORBIDDEN');
    expect(await dial('stranger', 'inside')).toBe('TUNNEL_NOT_FOUND');
  });

  test('keeps half-close in both directions and breaks with the device', async () => {
    await using world = await createWorld();
    const device = await world.client();
    const tunnel = await device.listen({ publish: false, name: 'echo' });
    tunnel.onStream((stream, _header, accept) => {
      accept();
      stream.toArray().then(
        (parts) => stream.end(`heard ${Buffer.concat(parts as Buffer[]).toString()}`),
        () => {},
      );
    });
    const operator = await world.client();
    const stream = await operator.dial('echo');
    stream.end('all of it');
    expect(String(await stream.toArray())).toBe('heard all of it');
    const broken = await operator.dial('echo');
    const failed = new Promise<Error>((resolve) => broken.on('error', resolve));
    broken.write('x');
    device.session.close();
    expect(await failed).toBeDefined();
  });
});

/** A TCP proxy that can stop forwarding without closing: what a half-open link looks like. */
async function blackHole(port: number): Promise<{ port: number; swallow: () => void; close: () => void }> {
  const sockets: Socket[] = [];
  let isOpen = true;
  const server = createServer((socket) => {
    const onward = connectSocket(port, '127.0.0.1');
    sockets.push(socket, onward);
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.on('error', () => {});
      from.on('data', (chunk: Buffer) => isOpen && to.write(chunk));
    }
  });
  return {
    port: await listening(server),
    swallow: () => (isOpen = false),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test('a half-open agent reads as offline within 10 s, its address as 502, and its name is free', { timeout: 15_000 }, async () => {
  await using world = await createWorld();
  const hole = await blackHole(world.port);
  const agent = await world.client({ via: hole.port });
  agent.session.closed.catch(() => {});
  const tunnel = await agent.listen({ name: 'edge', hostname: 'edge' });
  const started = performance.now();
  hole.swallow();
  const grant = world.authority.grant('owner');
  await expect.poll(() => world.relay.inventory.listTunnels(grant)[0]?.status, { timeout: 12_000, interval: 50 }).toBe('offline');
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(world.relay.inventory.listClients(grant)[0]?.status).toBe('offline');
  const text = await new RawClient(world.port).write(`GET / HTTP/1.1\r\nHost: ${new URL(tunnel.forwarding).host}\r\n\r\n`).rest();
  expect(text).toMatch(/^HTTP\/1.1 502[\s\S]*TUNNEL_OFFLINE/);
  world.authority.add('rival', { credentialId: 'crd_rival' });
  expect(await open(await world.client({ token: 'rival' }), { name: 'edge', hostname: 'edge' })).toBe('OK');
  hole.close();
});

describe('a session', () => {
  test('of a revoked credential ends at once with a code, with everything it carried', async () => {
    await using world = await createWorld();
    world.authority.add('device', { credentialId: 'crd_device' });
    const device = await world.client({ token: 'device' });
    const tunnel = await device.listen({ publish: false, name: 'inside' });
    world.authority.revoke('device');
    expect((await device.closed)?.code).toBe('UNAUTHORIZED');
    expect(await tunnel.closed).toBeDefined();
    await expect.poll(() => world.relay.stats()).toMatchObject({ clients: 0, tunnels: 0 });
  });

  test('whose credential expires ends with a code', async () => {
    await using world = await createWorld({ limits: { sweepInterval: 20 } });
    world.authority.add('brief', { credentialId: 'crd_brief', expiresAt: Date.now() + 200 });
    expect((await (await world.client({ token: 'brief' })).closed)?.code).toBe('UNAUTHORIZED');
  });

  test('is told to leave by a drain', async () => {
    await using world = await createWorld();
    const device = await world.client();
    const told = new Promise<number>((resolve) => device.on('drain', ({ retryAfterMs }) => resolve(retryAfterMs)));
    const drained = world.relay.drain(1000);
    expect(await told).toBeGreaterThan(0);
    await drained;
    await device.closed;
  });

  test.each([
    ['an incompatible version', { protocol_version: '2.0.0' }, 'PROTOCOL_VERSION_INCOMPATIBLE'],
    ['a version that is none', { protocol_version: 'new' }, 'PROTOCOL_VERSION_INVALID'],
    ['no version', {}, 'PROTOCOL_VERSION_MISSING'],
    ['another minor version', { protocol_version: '1.99.0' }, undefined],
  ])('that starts with %s', async (_name, version, code) => {
    await using world = await createWorld();
    const [near, far] = linkedPair();
    world.relay.admitCarrier(far, { grant: world.authority.grant('owner'), remoteAddress: '127.0.0.1' });
    const answer = await hello(near, { agent: 'x', version: '1', ...version });
    expect(answer.reason?.code).toBe(code);
    expect(answer.type).toBe(code === undefined ? 'welcome' : 'failed');
  });

  test('that never says hello is ended', async () => {
    await using world = await createWorld({ limits: { helloTimeout: 50 } });
    const [near, far] = linkedPair();
    world.relay.admitCarrier(far, { grant: world.authority.grant('owner'), remoteAddress: '127.0.0.1' });
    const end = await createSession(near, { role: 'client' }).closed;
    expect(end === undefined || end.code === 'SESSION_LOST').toBe(true);
  });
});

/** Says hello by hand and returns the first message of the relay. */
async function hello(carrier: Duplex, client: object): Promise<{ type: string; reason?: { code: string } }> {
  const session = createSession(carrier, { role: 'client' });
  const stream = session.open();
  stream.on('error', () => {});
  sendOpenHeader(stream, { kind: 'control' });
  await readAnswer(stream, {});
  return new Promise((resolve) => {
    const channel = new ControlChannel<{ type: string }, unknown>(stream, {
      parse: (value) => value as { type: string },
      onMessage: resolve,
    });
    channel.send({ type: 'hello', client, instance_id: 'i', generation: 0 });
  });
}

describe('the inventory', () => {
  const kinds = (events: readonly EngineEvent[]): string[] => events.map((event) => event.type);
  async function take(events: AsyncIterator<EngineEvent>, count: number): Promise<EngineEvent[]> {
    const taken: EngineEvent[] = [];
    while (taken.length < count) {
      const next = await events.next();
      if (next.done === true) break;
      taken.push(next.value);
    }
    return taken;
  }

  test('lists with filters, limits and labels, and hides other projects', async () => {
    await using world = await createWorld();
    world.authority.add('stranger', { credentialId: 'crd_s', project: otherProject });
    const session = await world.client();
    await session.listen({ publish: false, name: 'a', labels: { role: 'db', zone: '1' } });
    await session.listen({ publish: false, name: 'b', labels: { role: 'web' } });
    const grant = world.authority.grant('owner');
    const { inventory } = world.relay;
    expect(inventory.listTunnels(grant).map((tunnel) => tunnel.name)).toEqual(['a', 'b']);
    expect(inventory.listTunnels(grant, { limit: 1 })).toHaveLength(1);
    expect(inventory.listTunnels(grant, { filters: { labels: { role: 'db' } } }).map((tunnel) => tunnel.name)).toEqual(['a']);
    expect(inventory.listTunnels(grant, { filters: { name: 'b', status: 'online' } })).toHaveLength(1);
    expect(inventory.tunnel(grant, String(inventory.listTunnels(grant)[0]?.id)).name).toBe('a');
    expect(inventory.listClients(grant, { filters: { agent: 'test' } })).toHaveLength(1);
    const stranger = world.authority.grant('stranger');
    expect([inventory.listTunnels(stranger), inventory.listClients(stranger)]).toEqual([[], []]);
    expect(() => inventory.tunnel(stranger, String(inventory.listTunnels(grant)[0]?.id))).toThrow(/No tunnel/);
  });

  test('watches from a first whole state on, in order', async () => {
    await using world = await createWorld();
    const abort = new AbortController();
    const events = world.relay.inventory.watch(world.authority.grant('owner'), {}, abort.signal)[Symbol.asyncIterator]();
    const session = await world.client();
    const tunnel = await session.listen({ publish: false, name: 'a' });
    await tunnel.close();
    await session.close();
    expect(kinds(await take(events, 5))).toEqual(['state.initial', 'client.created', 'tunnel.created', 'tunnel.deleted', 'client.deleted']);
    abort.abort();
    expect((await events.next()).done).toBe(true);
  });

  test('shows a row that enters a filter as created and one that leaves it as deleted', async () => {
    await using world = await createWorld();
    const session = await world.client();
    await session.listen({ publish: false, name: 'a' });
    const watched = world.relay.inventory.watch(
      world.authority.grant('owner'),
      { tunnels: { status: 'online' }, clients: { agent: 'none' } },
      new AbortController().signal,
    );
    const online = watched[Symbol.asyncIterator]();
    const [first] = await take(online, 1);
    expect(first?.type === 'state.initial' && first.object.tunnels.map((tunnel) => tunnel.name)).toEqual(['a']);
    await session.close();
    expect(kinds(await take(online, 1))).toEqual(['tunnel.deleted']);
    await (await world.client()).listen({ publish: false, name: 'b' });
    expect(kinds(await take(online, 1))).toEqual(['tunnel.created']);
  });

  test('cuts a watcher that does not read, and one whose token is revoked', async () => {
    await using world = await createWorld({ limits: { watchQueue: 4 } });
    world.authority.add('viewer', { credentialId: 'crd_v' });
    const slow = world.relay.inventory.watch(world.authority.grant('owner'), {}, new AbortController().signal)[Symbol.asyncIterator]();
    const session = await world.client();
    for (let index = 0; index < 4; index += 1) await session.listen({ publish: false });
    expect(await codeOf(slow.next())).toBe('CAPACITY_EXHAUSTED');
    const viewer = world.relay.inventory.watch(world.authority.grant('viewer'), {}, new AbortController().signal)[Symbol.asyncIterator]();
    await take(viewer, 1);
    const next = viewer.next();
    world.authority.revoke('viewer');
    expect(await codeOf(next)).toBe('UNAUTHORIZED');
  });
});
