import { once } from 'node:events';
import { RstreamError } from '@rstream/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createBackoff,
  keepConnected,
  type Connection,
  type ConnectionStatus,
  type KeepConnectedOptions,
  type Listener,
  type ListenerStatus,
} from '../src/index.ts';
import { receiveText } from '../src/testing.ts';
import { details, FakeRelay, welcome } from './fake-relay.ts';
import { freePort } from './sockets.ts';

const open: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const fast = { minDelay: 10, maxDelay: 20, conflictGrace: 60 };
const echo = (stream: NodeJS.ReadWriteStream, _header: unknown, accept: () => void): void => {
  accept();
  stream.pipe(stream);
};

async function relay(port = 0): Promise<FakeRelay> {
  const fake = await new FakeRelay().listen(port);
  open.push(() => (fake.server.listening ? fake.kill() : undefined));
  return fake;
}

function keep(engine: string, more: Partial<KeepConnectedOptions> = {}): { connection: Connection; seen: ConnectionStatus[] } {
  const connection = keepConnected({ engine, token: 'good', client: details, retry: fast, ...more });
  open.push(() => connection.close());
  const seen: ConnectionStatus[] = [];
  connection.on('status', (status) => seen.push(status));
  return { connection, seen };
}

async function reaches(source: Connection, state: ConnectionStatus['state']): Promise<ConnectionStatus>;
async function reaches(source: Listener, state: ListenerStatus['state']): Promise<ListenerStatus>;
async function reaches(source: Connection | Listener, state: string): Promise<ConnectionStatus | ListenerStatus> {
  while (source.status.state !== state) await once(source as Listener, 'status');
  return source.status;
}

describe('a kept connection', () => {
  test('comes back after the relay died and returned, with its tunnel, its address and a higher generation', async () => {
    const first = await relay();
    const { connection, seen } = keep(first.engine);
    const listener = connection.listen({ name: 'web' }, echo);
    const before = await reaches(listener, 'online');
    const { instance_id, generation } = first.last.hello ?? {};
    const lost = reaches(listener, 'offline');
    await first.kill();
    expect((await lost).error).toMatchObject({ code: 'SESSION_LOST' });
    await reaches(connection, 'disconnected');
    const second = await relay(first.port);
    const after = await reaches(listener, 'online');
    expect(after.tunnel?.hostname).toBe(before.tunnel?.hostname);
    expect(second.last.hello?.instance_id).toBe(instance_id);
    expect(second.last.hello?.generation).toBeGreaterThan(generation ?? 0);
    const stream = await connection.dial('web');
    stream.end('back');
    expect(await receiveText(stream)).toBe('back');
    expect(seen.slice(0, 3).map(({ state }) => state)).toEqual(['connecting', 'connected', 'disconnected']);
  });

  test('keeps trying while nothing listens, telling why and when', async () => {
    const port = await freePort();
    const { connection } = keep(`x.localhost:${port}`);
    const { error, retryInMs } = await reaches(connection, 'disconnected');
    expect(error).toMatchObject({ code: 'ERR_RSTREAM_CONNECT_FAILED' });
    expect(retryInMs).toBeLessThanOrEqual(20);
    await relay(port);
    await reaches(connection, 'connected');
  });

  test.each(['UNAUTHORIZED', 'FORBIDDEN', 'INVALID_REQUEST', 'PROTOCOL_VERSION_INCOMPATIBLE'] as const)(
    'stops on %s and says so to everyone',
    async (code) => {
      const fake = await relay();
      fake.refuseCarrier = () => new RstreamError(code);
      const { connection } = keep(fake.engine);
      const listener = connection.listen({ name: 'web' }, echo);
      const dial = connection.dial('web');
      await expect(dial).rejects.toMatchObject({ code });
      expect(await reaches(connection, 'stopped')).toMatchObject({ error: { code } });
      expect(await listener.closed).toMatchObject({ code });
      expect(listener.status.state).toBe('failed');
      expect(await connection.listen({ name: 'later' }, echo).closed).toMatchObject({ code });
      expect(fake.requests).toHaveLength(1);
    },
  );

  test('stops when its credential is revoked while it is connected', async () => {
    const fake = await relay();
    const { connection } = keep(fake.engine);
    await reaches(connection, 'connected');
    while (fake.last.hello === undefined) await connection.session?.ping();
    fake.last.control?.send({ type: 'failed', reason: { error: 'Revoked.', code: 'UNAUTHORIZED' } });
    expect(await reaches(connection, 'stopped')).toMatchObject({ error: { code: 'UNAUTHORIZED', message: 'Revoked.' } });
  });

  test('makes one attempt only when retry is off', async () => {
    const { connection } = keep(`x.localhost:${await freePort()}`, { retry: false });
    expect(await reaches(connection, 'stopped')).toMatchObject({ error: { code: 'ERR_RSTREAM_CONNECT_FAILED' } });
  });

  test('waits as long as a draining relay asks, then moves over; running streams go on meanwhile', async () => {
    const fake = await relay();
    const { connection, seen } = keep(fake.engine);
    const listener = connection.listen({ name: 'web' }, echo);
    await reaches(listener, 'online');
    const running = await connection.dial('web');
    fake.last.control?.send({ type: 'drain', retry_after_ms: 120 });
    await reaches(listener, 'offline');
    const from = performance.now();
    await reaches(listener, 'online');
    expect(performance.now() - from).toBeGreaterThan(100);
    expect(seen.find(({ state }) => state === 'disconnected')).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE' }, retryInMs: 120 });
    expect(fake.clients).toHaveLength(2);
    running.end('still here');
    expect(await receiveText(running)).toBe('still here');
  });

  test('waits longer and longer for a relay that drops every session at once', async () => {
    const fake = await relay();
    fake.welcome = () => {
      setImmediate(() => fake.last.carrier.destroy());
      return welcome;
    };
    const { connection, seen } = keep(fake.engine, { retry: { minDelay: 2, maxDelay: 1000, factor: 4 } });
    const waits = (): number[] => seen.flatMap(({ retryInMs }) => retryInMs ?? []);
    while (waits().length < 4) await once(connection, 'status');
    expect(waits()).toEqual(waits().sort((a, b) => a - b));
    expect(waits()[3]).toBeGreaterThanOrEqual(64);
  });

  test('takes a fresh token for every attempt', async () => {
    const fake = await relay();
    const tokens = ['old', 'good'];
    fake.refuseCarrier = (request) =>
      request.headers.authorization === 'Bearer good' ? undefined : new RstreamError('SERVICE_UNAVAILABLE');
    const { connection } = keep(fake.engine, { token: () => tokens.shift() ?? 'none' });
    await reaches(connection, 'connected');
    expect(tokens).toEqual([]);
  });

  test('ends with its signal, and a dial that waits with its own', async () => {
    const cancel = new AbortController();
    const { connection } = keep(`x.localhost:${await freePort()}`, { signal: cancel.signal });
    const impatient = connection.dial('web', { signal: AbortSignal.timeout(20) });
    await expect(impatient).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
    cancel.abort();
    await reaches(connection, 'stopped');
    await expect(connection.dial('web')).rejects.toMatchObject({ code: 'ERR_RSTREAM_SESSION_CLOSED' });
  });

  test('leaves no socket and no timer behind after close', async () => {
    const fake = await relay();
    const before = resources();
    const { connection } = keep(fake.engine);
    const listener = connection.listen({ name: 'web' }, echo);
    await reaches(listener, 'online');
    (await connection.dial('web')).resume();
    await connection.close();
    expect(await listener.closed).toBeUndefined();
    await fake.last.session.closed;
    while (resources() > before) await new Promise((resolve) => setImmediate(resolve));
    expect(connection.status).toEqual({ state: 'stopped' });
  });
});

describe('a kept tunnel', () => {
  test('that another process takes over is replaced, and does not fight for the name', async () => {
    const fake = await relay();
    const [older, newer] = [keep(fake.engine).connection, keep(fake.engine).connection];
    const first = older.listen({ name: 'web' }, echo);
    await reaches(first, 'online');
    const second = newer.listen({ name: 'web' }, echo);
    await reaches(second, 'online');
    expect(await first.closed).toMatchObject({ code: 'TUNNEL_REPLACED' });
    expect(first.status.state).toBe('replaced');
    expect(older.status.state).toBe('connected');
    expect(second.status.state).toBe('online');
  });

  test('whose name is taken asks again for a while and then fails', async () => {
    const fake = await relay();
    let asked = 0;
    fake.refuseTunnel = () => {
      asked += 1;
      return new RstreamError('TUNNEL_CONFLICT');
    };
    const listener = keep(fake.engine).connection.listen({ name: 'web' }, echo);
    expect(await listener.closed).toMatchObject({ code: 'TUNNEL_CONFLICT' });
    expect(asked).toBeGreaterThan(1);
    expect(listener.status.state).toBe('failed');
  });

  test('whose holder leaves in time gets the name', async () => {
    const fake = await relay();
    let refusals = 2;
    fake.refuseTunnel = () => ((refusals -= 1) >= 0 ? new RstreamError('TUNNEL_CONFLICT') : undefined);
    const listener = keep(fake.engine).connection.listen({ name: 'web' }, echo);
    await reaches(listener, 'online');
    expect(refusals).toBe(-1);
  });

  test('whose name another took while it was away asks until the name is free again, beyond the grace', async () => {
    const fake = await relay();
    const listener = keep(fake.engine).connection.listen({ name: 'web' }, echo);
    await reaches(listener, 'online');
    const away = performance.now();
    const GRACE_AND_MORE_MS = 600;
    let refusals = 0;
    fake.refuseTunnel = () => {
      refusals += 1;
      return performance.now() - away < GRACE_AND_MORE_MS ? new RstreamError('TUNNEL_CONFLICT') : undefined;
    };
    fake.last.session.close();
    await reaches(listener, 'offline');
    await reaches(listener, 'online');
    expect(refusals).toBeGreaterThan(1);
    expect(performance.now() - away).toBeGreaterThanOrEqual(GRACE_AND_MORE_MS);
  });

  test.each(['FORBIDDEN', 'INVALID_REQUEST', 'FEATURE_NOT_AVAILABLE'] as const)(
    'that is refused with %s fails at once, alone',
    async (code) => {
      const fake = await relay();
      fake.refuseTunnel = ({ name }) => (name === 'bad' ? new RstreamError(code) : undefined);
      const { connection } = keep(fake.engine);
      const [bad, good] = [connection.listen({ name: 'bad' }, echo), connection.listen({ name: 'good' }, echo)];
      expect(await bad.closed).toMatchObject({ code });
      await reaches(good, 'online');
    },
  );

  test('gives up the address it had when only that is refused', async () => {
    const fake = await relay();
    const { connection } = keep(fake.engine);
    const listener = connection.listen({ name: 'web' }, echo);
    await reaches(listener, 'online');
    fake.refuseTunnel = ({ hostname }) => (hostname === undefined ? undefined : new RstreamError('INVALID_REQUEST'));
    const lost = reaches(listener, 'offline');
    fake.last.carrier.destroy();
    await lost;
    expect((await reaches(listener, 'online')).tunnel?.hostname).toBe('t2-f587ee53.t.rstream.localhost');
  });

  test('that is closed is given back and stays closed', async () => {
    const fake = await relay();
    const { connection } = keep(fake.engine);
    const listener = connection.listen({ name: 'web' }, echo);
    await reaches(listener, 'online');
    await listener.close();
    expect(await listener.closed).toBeUndefined();
    expect(fake.tunnels.size).toBe(0);
  });
});

describe('the backoff', () => {
  test('grows to its limit, jitters downwards by at most half, and starts again after a reset', () => {
    const steady = createBackoff({ minDelay: 100, maxDelay: 1000, factor: 2 }, () => 1);
    expect(Array.from({ length: 6 }, () => steady.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
    steady.reset();
    expect(steady.next()).toBe(100);
    expect(createBackoff({ minDelay: 100 }, () => 0).next()).toBe(50);
  });
});

/** Sockets and timers that keep this process alive. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'Timeout').length;
}
