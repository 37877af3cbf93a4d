import { once } from 'node:events';
import { RstreamError } from '@rstream/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { connect, forwardTo, sendOpenHeader, type ConnectOptions, type RelaySession } from '../src/index.ts';
import { endError, receiveBytes, receiveText, sendBytes } from '../src/testing.ts';
import { bodyOf, details, FakeRelay, welcome } from './fake-relay.ts';
import { dumbProxy, listenTcp } from './sockets.ts';

const open: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function relay(): Promise<FakeRelay> {
  const fake = await new FakeRelay().listen();
  open.push(() => fake.kill());
  return fake;
}

async function session(engine: string, more: Partial<ConnectOptions> = {}): Promise<RelaySession> {
  const opened = await connect({ engine, token: 'good', client: details, ...more });
  open.push(() => opened.close());
  return opened;
}

describe('connecting', () => {
  test('says hello and learns who the relay is', async () => {
    const fake = await relay();
    const opened = await session(fake.engine, { instanceId: 'i1', generation: 7, token: async () => 'good\n' });
    expect(fake.last.hello).toMatchObject({ client: details, instance_id: 'i1', generation: 7 });
    expect(opened).toMatchObject({ clientId: 'c1', project: 'f587ee53', server: { agent: 'fake' } });
    expect(await opened.ping()).toBeGreaterThan(0);
  });

  test('fails with the reason of the relay when it answers hello with one', async () => {
    const fake = await relay();
    fake.welcome = () => ({ type: 'failed', reason: bodyOf(new RstreamError('PROTOCOL_VERSION_INCOMPATIBLE')) });
    await expect(session(fake.engine)).rejects.toMatchObject({ code: 'PROTOCOL_VERSION_INCOMPATIBLE' });
    await fake.last.session.closed;
  });

  test('hears that reason also when the end of the session comes with it', async () => {
    const fake = await relay();
    fake.welcome = () => {
      fake.last.control?.send({ type: 'failed', reason: bodyOf(new RstreamError('FORBIDDEN', 'Not here.')) });
      setImmediate(() => fake.last.session.close(new RstreamError('FORBIDDEN')));
      return { type: 'notice', message: 'sorry' };
    };
    for (let round = 0; round < 5; round += 1) {
      await expect(session(fake.engine)).rejects.toMatchObject({ code: 'FORBIDDEN', message: 'Not here.' });
    }
  });

  test('closes the carrier when it is cancelled while it waits for the welcome', async () => {
    const fake = await relay();
    const cancel = new AbortController();
    fake.welcome = () => {
      cancel.abort();
      return { type: 'notice', message: 'not yet' };
    };
    await expect(session(fake.engine, { signal: cancel.signal })).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
    await fake.last.session.closed;
  });

  test('skips messages of a type that it does not know', async () => {
    const fake = await relay();
    fake.welcome = () => {
      fake.last.control?.send({ type: 'from-the-future', x: 1 } as never);
      return welcome;
    };
    expect((await session(fake.engine)).clientId).toBe('c1');
  });

  test('fails when the token source does', async () => {
    const fake = await relay();
    const token = (): never => {
      throw new RstreamError('UNAUTHORIZED', 'There is no token file.');
    };
    await expect(session(fake.engine, { token })).rejects.toMatchObject({ message: 'There is no token file.' });
  });

  test('hears that the relay drains, and notices', async () => {
    const fake = await relay();
    const opened = await session(fake.engine);
    const heard = Promise.all([once(opened, 'drain'), once(opened, 'notice')]);
    fake.last.control?.send({ type: 'drain', retry_after_ms: 250 });
    fake.last.control?.send({ type: 'notice', message: 'Hello there.' });
    expect(await heard).toEqual([[{ retryAfterMs: 250 }], ['Hello there.']]);
  });
});

describe('a tunnel', () => {
  test('carries 16 MB from a dialler to a local service and back, unchanged', async () => {
    const fake = await relay();
    const echo = await listenTcp((socket) => socket.pipe(socket));
    open.push(echo.close);
    const device = await session(fake.engine);
    const tunnel = await device.listen({ name: 'echo', publish: false });
    tunnel.onStream(forwardTo({ port: echo.port }));
    expect([tunnel.tunnel.id, tunnel.forwarding]).toEqual(['t1', 'rstrm://echo']);
    const operator = await session(fake.engine);
    const stream = await operator.dial('echo');
    const size = 16 * 1024 * 1024;
    const [received, hash] = await Promise.all([receiveBytes(stream), sendBytes(stream, size)]);
    expect(received).toEqual({ bytes: size, hash });
  });

  test('keeps streams that come before its handler, and refuses more than its backlog', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const tunnel = await device.listen({ name: 'late' });
    const dials = Array.from({ length: 300 }, async () => void (await device.dial('late')).destroy());
    const outcomes = Promise.allSettled(dials);
    const refused = await Promise.any(
      dials.map((dial) =>
        dial.then(
          () => Promise.reject(new Error()),
          (error: unknown) => error,
        ),
      ),
    );
    expect(refused).toMatchObject({ code: 'CAPACITY_EXHAUSTED' });
    tunnel.onStream((_stream, _header, accept) => accept());
    const states = (await outcomes).map((outcome) => outcome.status);
    expect(states.filter((state) => state === 'fulfilled')).toHaveLength(256);
  });

  test('tells the dialler why it refuses a stream, and that its handler failed', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const no = await device.listen({ name: 'no' });
    no.onStream((_stream, _header, _accept, refuse) => refuse(new RstreamError('UPSTREAM_UNREACHABLE', 'Nothing at 127.0.0.1:1.')));
    const bad = await device.listen({ name: 'bad' });
    bad.onStream(() => {
      throw new Error('private words');
    });
    await expect(device.dial('no')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE', message: 'Nothing at 127.0.0.1:1.' });
    await expect(device.dial('bad')).rejects.toMatchObject({ code: 'INTERNAL', message: expect.not.stringContaining('private') });
    await expect(device.dial('nothing')).rejects.toMatchObject({ code: 'TUNNEL_NOT_FOUND' });
  });

  test('cannot refuse a stream that it has accepted: it is cut', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const tunnel = await device.listen({ name: 'both' });
    tunnel.onStream((_stream, _header, accept, refuse) => {
      accept();
      setImmediate(() => refuse(new RstreamError('INTERNAL')));
    });
    const outcome = await device.dial('both').then(endError, (error: unknown) => error);
    expect(outcome).toMatchObject({ code: 'ERR_RSTREAM_STREAM_RESET' });
  });

  test('is refused with the reason of the relay', async () => {
    const fake = await relay();
    fake.refuseTunnel = () => new RstreamError('TUNNEL_CONFLICT', 'Taken.');
    const device = await session(fake.engine);
    await expect(device.listen({ name: 'x' })).rejects.toMatchObject({ code: 'TUNNEL_CONFLICT', message: 'Taken.' });
  });

  test('whose properties are larger than a control message is refused here, and the session goes on', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const labels = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`label-${index}`, 'x'.repeat(1024)]));
    await expect(device.listen({ name: 'big', labels })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    expect((await device.listen({ name: 'small' })).tunnel.name).toBe('small');
  });

  test('ends with TUNNEL_REPLACED when another session takes its name, with undefined when it is closed here', async () => {
    const fake = await relay();
    const [first, second] = [await session(fake.engine), await session(fake.engine)];
    const older = await first.listen({ name: 'web' });
    const newer = await second.listen({ name: 'web' });
    expect(await older.closed).toMatchObject({ code: 'TUNNEL_REPLACED' });
    await newer.close();
    expect(await newer.closed).toBeUndefined();
    await expect(first.dial('web')).rejects.toMatchObject({ code: 'TUNNEL_NOT_FOUND' });
  });

  test('does not stay open when the caller gave up waiting for it', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const cancel = new AbortController();
    fake.refuseTunnel = () => {
      cancel.abort();
      return undefined;
    };
    await expect(device.listen({ name: 'gone' }, { signal: cancel.signal })).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
    while (fake.tunnels.has('gone')) await device.ping();
  });
});

describe('a session', () => {
  test('that is lost ends its tunnels and streams with a code within a second', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const tunnel = await device.listen({ name: 'web' });
    tunnel.onStream((_stream, _header, accept) => accept());
    const stream = await device.dial('web');
    stream.resume();
    const from = performance.now();
    const ended = new Promise((resolve) => stream.once('close', resolve));
    await fake.kill();
    expect(await tunnel.closed).toMatchObject({ code: 'SESSION_LOST' });
    expect(await device.closed).toMatchObject({ code: 'SESSION_LOST' });
    await ended;
    expect(RstreamError.is(stream.errored)).toBe(true);
    expect(performance.now() - from).toBeLessThan(1000);
    await expect(device.dial('web')).rejects.toMatchObject({ code: 'ERR_RSTREAM_SESSION_CLOSED' });
    await expect(device.listen({ name: 'web' })).rejects.toMatchObject({ code: 'ERR_RSTREAM_SESSION_CLOSED' });
  });

  test('over a link that swallows everything is noticed by its keepalive', async () => {
    const fake = await relay();
    const proxy = await dumbProxy(fake.port);
    open.push(proxy.close);
    const device = await session(`x.localhost:${proxy.port}`, { mux: { keepaliveInterval: 50, keepaliveTimeout: 50 } });
    proxy.freeze();
    expect(await device.closed).toMatchObject({ code: 'SESSION_LOST' });
  });

  test('gives up a dial whose far end never answers when the signal fires', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const tunnel = await device.listen({ name: 'silent' });
    const cancel = new AbortController();
    tunnel.onStream(() => cancel.abort());
    await expect(device.dial('silent', { signal: cancel.signal })).rejects.toMatchObject({ code: 'ERR_RSTREAM_ABORTED' });
  });

  test('refuses streams of unknown tunnels and other kinds', async () => {
    const fake = await relay();
    await session(fake.engine);
    const { readAnswer } = await import('../src/index.ts');
    const unknown = fake.last.session.open();
    sendOpenHeader(unknown, { kind: 'tunnel', tunnel_id: 'none', stream_id: 's', via: 'edge' });
    await expect(readAnswer(unknown)).rejects.toMatchObject({ code: 'TUNNEL_NOT_FOUND' });
    const wrong = fake.last.session.open();
    sendOpenHeader(wrong, { kind: 'dial', target: 'x' });
    await expect(readAnswer(wrong)).rejects.toMatchObject({ code: 'INVALID_STREAM' });
  });

  test('ends with a code when the relay talks nonsense on the control stream', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    fake.last.control?.send({ type: 'tunnel.opened', request_id: 5 } as never);
    expect(await device.closed).toMatchObject({ code: 'INVALID_STREAM' });
  });

  test('leaves nothing open after close', async () => {
    const fake = await relay();
    const device = await session(fake.engine);
    const tunnel = await device.listen({ name: 'web' });
    tunnel.onStream((stream, _header, accept) => (accept(), void stream.pipe(stream)));
    const stream = await device.dial('web');
    stream.end('bye');
    expect(await receiveText(stream)).toBe('bye');
    await device.close();
    expect(await device.closed).toBeUndefined();
    await fake.last.session.closed;
    expect(await tunnel.closed).toBeDefined();
  });
});
