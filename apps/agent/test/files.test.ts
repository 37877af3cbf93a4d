import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { Agent as HttpAgent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable, duplexPair, type Duplex } from 'node:stream';
import { text as bodyOf } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecResult } from '@rstream/protocol/exec';
import { connect } from '@rstream/tunnel-core';
import { collect } from '@rstream/webtty-client';
import { FakeRelay } from '../../../packages/tunnel-core/test/fake-relay.ts';
import { startAgent, type RunningAgent, type StartAgentOptions } from '../src/agent.ts';
import { peekFirstByte } from '../src/files/first-byte.ts';
import { createLogger } from '../src/log.ts';
import { loadSettings } from '../src/settings.ts';
import { deviceLabels, readHostFacts } from '../src/device-labels.ts';
import { duplexTransport } from './duplex-transport.ts';

const MIB = 1024 * 1024;
const defaults = { readOnly: false, maxUploadBytes: 64 * MIB, durability: 'full', strict: false } as const;
let scratch: string;
let relay: FakeRelay;
let operator: Awaited<ReturnType<typeof connect>>;
let log: string[];
let cleanup: (() => Promise<unknown> | void)[] = [];

beforeEach(async () => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'rstream-agent-files-')));
  mkdirSync(join(scratch, 'root'));
  writeFileSync(join(scratch, 'token'), 'good');
  chmodSync(join(scratch, 'token'), 0o600);
  log = [];
  relay = await new FakeRelay().listen();
  cleanup = [() => relay.kill()];
});
afterEach(async () => {
  for (const release of cleanup.reverse()) await release();
});

const identity = { agent: 'test', version: '1.0.0', protocol_version: '1.4.5' };

async function start(options: Partial<StartAgentOptions> = {}): Promise<RunningAgent> {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(...chunk.toString().trim().split('\n'));
      done();
    },
  });
  const agent = await startAgent({
    engine: relay.engine,
    tokenFile: join(scratch, 'token'),
    name: 'dev1',
    labels: {},
    policy: undefined,
    shutdownTimeoutMs: 1_000,
    stateDirectory: join(scratch, 'state'),
    files: { ...defaults, roots: [{ path: join(scratch, 'root') }] },
    logger: createLogger('info', sink),
    ...options,
  });
  cleanup.push(() => agent.stop());
  await agent.online;
  operator = await connect({ engine: relay.engine, token: 'good', client: identity });
  cleanup.push(() => operator.close());
  return agent;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A client that speaks HTTP over one dialled stream and keeps it. */
async function client(): Promise<{ stream: Duplex; send: (method: string, path: string, options?: Sent) => ClientRequest; ask: Ask }> {
  const stream = await operator.dial('dev1');
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  // What an HTTP client expects of a socket and a stream of the tunnel does not need.
  Object.assign(stream, { setKeepAlive: () => stream, setTimeout: () => stream, ref: () => stream, unref: () => stream });
  Object.assign(agent, { createConnection: () => stream });
  cleanup.push(() => agent.destroy());
  const send = (method: string, path: string, { headers = {} }: Sent = {}): ClientRequest =>
    request({ agent, method, path, headers: { ...headers } });
  const ask: Ask = async (method, path, options = {}) => {
    const outgoing = send(method, path, options).end(options.body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await bodyOf(response) };
  };
  return { stream, send, ask };
}
interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}
type Ask = (method: string, path: string, options?: Sent) => Promise<Answer>;

async function exec(argv: string[]): Promise<ExecResult> {
  return collect(duplexTransport(await operator.dial('dev1')), { argv }, { url: 'rstrm://dev1' });
}

const audits = (): Record<string, unknown>[] =>
  log.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ audit }) => audit === 'file');

async function untilLogged(count: number): Promise<Record<string, unknown>[]> {
  while (audits().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  return audits();
}

describe('a dialled stream to a device that serves files', () => {
  it('speaks HTTP when its first byte is a letter, request after request on the same stream', async () => {
    await start();
    const { stream, ask } = await client();
    expect(await ask('PUT', '/fs/a.txt', { body: 'hello' })).toMatchObject({ status: 201 });
    expect(await ask('GET', '/fs/a.txt')).toMatchObject({ status: 200, body: 'hello' });
    expect(await ask('GET', '/fs/a.txt', { headers: { range: 'bytes=1-2' } })).toMatchObject({ status: 206, body: 'el' });
    expect((await ask('PROPFIND', '/fs/', { headers: { depth: '1' } })).body).toContain('<D:href>/fs/a.txt</D:href>');
    expect(readFileSync(join(scratch, 'root/a.txt'), 'utf8')).toBe('hello');
    expect(stream.destroyed).toBe(false);
  });

  it('still carries commands, and has neither the page nor a WebSocket', async () => {
    await start({ publish: true });
    expect(await exec(['echo', 'hello'])).toMatchObject({ stdout: 'hello\n', exit_code: 0 });
    const { ask } = await client();
    expect((await ask('GET', '/')).status).toBe(404);
    const upgrade = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    };
    const second = await client();
    expect((await second.ask('GET', '/', { headers: upgrade })).status).toBe(404);
  });

  it('answers a client that ends its side after the request', async () => {
    await start();
    writeFileSync(join(scratch, 'root/big'), Buffer.alloc(3 * MIB, 'x'));
    const stream = await operator.dial('dev1');
    stream.end('GET /fs/big HTTP/1.1\r\nHost: dev1\r\n\r\n');
    const text = await bodyOf(stream);
    expect(text.slice(0, 15)).toBe('HTTP/1.1 200 OK');
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(3 * MIB);
  });

  it('stops reading from the disk while its client does not read, and lets go when the client leaves', async () => {
    await start();
    writeFileSync(join(scratch, 'root/big'), Buffer.alloc(64 * MIB));
    const { stream, send } = await client();
    const [response] = (await once(send('GET', '/fs/big').end(), 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    response.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(response.readableLength + stream.readableLength).toBeLessThan(16 * MIB);
    stream.destroy();
    const { ask } = await client();
    expect((await ask('HEAD', '/fs/big')).status).toBe(200);
  });

  it('keeps the old content when the client leaves in the middle of an upload, and records that', async () => {
    await start();
    writeFileSync(join(scratch, 'root/a'), 'old');
    const { stream, send } = await client();
    const upload = send('PUT', '/fs/a', { headers: { 'content-length': '1000000' } });
    upload.on('error', () => undefined);
    upload.write(Buffer.alloc(5_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    stream.destroy();
    expect(await untilLogged(1)).toMatchObject([{ method: 'PUT', path: 'a', bytes: 5_000 }]);
    expect(audits()[0]).not.toHaveProperty('status');
    expect(readFileSync(join(scratch, 'root/a'), 'utf8')).toBe('old');
  });

  it('finishes a request that runs when the agent stops', async () => {
    const agent = await start();
    const { send } = await client();
    const upload = send('PUT', '/fs/late', { headers: { 'content-length': '8' } });
    const answered = once(upload, 'response') as Promise<[IncomingMessage]>;
    upload.write('half');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = agent.stop();
    upload.end('half');
    const [response] = await answered;
    expect([response.statusCode, await bodyOf(response)]).toEqual([201, '']);
    await stopped;
    expect(readFileSync(join(scratch, 'root/late'), 'utf8')).toBe('halfhalf');
  });

  it('records who changed what, refusals too, and neither reads nor content', async () => {
    await start();
    const { ask } = await client();
    await ask('PUT', '/fs/%C3%BC.txt', { body: 'SECRET' });
    await ask('GET', '/fs/%C3%BC.txt');
    await ask('MOVE', '/fs/%C3%BC.txt', { headers: { destination: '/fs/b' } });
    await ask('DELETE', '/fs/');
    const records = await untilLogged(3);
    expect(records).toMatchObject([
      { method: 'PUT', root: join(scratch, 'root'), path: 'ü.txt', status: 201, bytes: 6 },
      { method: 'MOVE', path: 'ü.txt', destination: 'b', status: 201, bytes: 0 },
      { method: 'DELETE', path: '', status: 403 },
    ]);
    for (const record of records) expect(record).toMatchObject({ stream_id: 's1' });
    expect(log.join('')).not.toContain('SECRET');
  });

  it('keeps locks that were taken over another stream', async () => {
    await start();
    const first = await client();
    const body = '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
    const lock = await first.ask('LOCK', '/fs/held', { body, headers: { timeout: 'Second-600' } });
    const token = String(lock.headers['lock-token']);
    first.stream.destroy();
    const second = await client();
    expect((await second.ask('PUT', '/fs/held', { body: 'x' })).status).toBe(423);
    expect((await second.ask('PUT', '/fs/held', { body: 'x', headers: { if: `(${token})` } })).status).toBe(204);
    expect((await second.ask('UNLOCK', '/fs/held', { headers: { 'lock-token': token } })).status).toBe(204);
  });
});

it('a device without files has no HTTP on dialled streams', async () => {
  await start({ files: undefined });
  const stream = await operator.dial('dev1');
  stream.end('GET /fs/ HTTP/1.1\r\nHost: dev1\r\n\r\n');
  expect(await bodyOf(stream)).not.toContain('HTTP/1.1');
  expect(existsSync(join(scratch, 'root'))).toBe(true);
});

describe('several roots', () => {
  it('are listed below /fs, which does not change, and each keeps to itself', async () => {
    mkdirSync(join(scratch, 'other'));
    const roots = [
      { name: 'one', path: join(scratch, 'root') },
      { name: 'two', path: join(scratch, 'other'), readOnly: true },
    ];
    await start({ files: { ...defaults, roots } });
    const { ask } = await client();
    const listing = await ask('PROPFIND', '/fs', { headers: { depth: '1' } });
    expect([...listing.body.matchAll(/<D:href>([^<]*)/g)].map(([, href]) => href)).toEqual(['/fs/', '/fs/one/', '/fs/two/']);
    expect((await ask('PUT', '/fs/one/a', { body: 'x' })).status).toBe(201);
    expect((await ask('PUT', '/fs/two/a', { body: 'x' })).status).toBe(403);
    expect((await ask('PUT', '/fs/a', { body: 'x' })).status).toBe(404);
    expect((await ask('MKCOL', '/fs/')).status).toBe(403);
    expect((await ask('DELETE', '/fs/')).status).toBe(403);
    expect((await ask('GET', '/fs/%2e%2e/one/a')).status).toBe(400);
    expect((await ask('COPY', '/fs/one/a', { headers: { destination: '/fs/two/a' } })).status).toBe(502);
    expect(JSON.parse((await ask('GET', '/fs/?rstream=info')).body)).toMatchObject({
      roots: [
        { name: 'one', read_only: false },
        { name: 'two', read_only: true },
      ],
    });
    expect((await untilLogged(3)).map(({ root, status }) => [root, status])).toEqual([
      ['one', 201],
      ['two', 403],
      ['one', 502],
    ]);
  });
});

describe('settings', () => {
  const flags = { engine: 'e:1', tokenFile: 't', name: 'n' };

  it('serve no files without a root', async () => {
    expect((await loadSettings(flags)).files).toBeUndefined();
    await expect(loadSettings({ ...flags, fsReadOnly: true })).rejects.toThrow('files.roots');
  });

  it('take roots, names and sizes from flags', async () => {
    expect((await loadSettings({ ...flags, fsRoot: ['/srv'], fsReadOnly: true, fsMaxUploadSize: '2GiB' })).files).toEqual({
      ...defaults,
      readOnly: true,
      maxUploadBytes: 2 * 1024 ** 3,
      roots: [{ path: '/srv' }],
    });
    expect((await loadSettings({ ...flags, fsRoot: ['a=/srv/a', 'b=/srv/x=y'] })).files?.roots).toEqual([
      { name: 'a', path: '/srv/a' },
      { name: 'b', path: '/srv/x=y' },
    ]);
    expect((await loadSettings({ ...flags, fsRoot: ['/srv/x=y'] })).files?.roots).toEqual([{ path: '/srv/x=y' }]);
  });

  it('take them from the file, relative to it, each with its own mode; flags win', async () => {
    const config = join(scratch, 'agent.yaml');
    writeFileSync(
      config,
      'files: { readOnly: true, strict: true, roots: [{ name: a, path: data, readOnly: false }, { name: b, path: /srv }] }',
    );
    expect((await loadSettings({ ...flags, config, fsDurability: 'rename' })).files).toEqual({
      ...defaults,
      readOnly: true,
      strict: true,
      durability: 'rename',
      roots: [
        { name: 'a', path: join(scratch, 'data'), readOnly: false },
        { name: 'b', path: '/srv' },
      ],
    });
  });

  it.each([
    [{ fsRoot: ['/a', '/b'] }, 'a name each'],
    [{ fsRoot: ['x=/a', 'x=/b'] }, 'two have one name'],
    [{ fsRoot: ['/a'], fsMaxUploadSize: 'plenty' }, '--fs-max-upload-size'],
    [{ fsRoot: ['/a'], fsDurability: 'some' }, 'files.durability'],
  ])('refuse %j', async (given, message) => {
    await expect(loadSettings({ ...flags, ...given })).rejects.toThrow(message);
  });

  it('are in the labels of the device', async () => {
    const facts = await readHostFacts();
    expect(deviceLabels(facts, {}, { files: 'read-only', terminal: true })).toMatchObject({
      'rstream.webtty.capabilities': 'exec,terminal,fs',
      'rstream.webtty.fs.path': '/fs',
      'rstream.webtty.fs.mode': 'read-only',
      'rstream.webtty.fs.backend': 'webdav',
    });
    expect(Object.keys(deviceLabels(facts, {})).filter((key) => key.includes('.fs.'))).toEqual([]);
  });
});

it('an agent whose root is no folder does not start', async () => {
  await expect(start({ files: { ...defaults, roots: [{ path: join(scratch, 'absent') }] } })).rejects.toMatchObject({
    code: 'ERR_RSTREAM_FS_ROOT',
  });
});

describe('the first byte of a stream', () => {
  it.each([
    [Buffer.from('PROPFIND / HTTP/1.1\r\n'), 'http'],
    [Buffer.from([0, 0, 0, 5, 1, 2, 3, 4, 5]), 'frames'],
    [Buffer.from([0x0f, 0xff]), 'frames'],
  ])('%o leads to %s, and no byte is lost, split in any way', async (bytes, spoken) => {
    for (let at = 1; at < bytes.length; at += 1) {
      const [near, far] = duplexPair();
      near.write(bytes.subarray(0, at));
      expect(await peekFirstByte(far, 1_000)).toBe(spoken);
      near.end(bytes.subarray(at));
      const received: Buffer[] = [];
      far.on('data', (chunk: Buffer) => received.push(chunk));
      await once(far, 'end');
      expect(Buffer.concat(received)).toEqual(bytes);
    }
  });

  it('is not waited for longer than allowed, nor after the end', async () => {
    const [, silent] = duplexPair();
    expect(await peekFirstByte(silent, 20)).toBeUndefined();
    const [near, far] = duplexPair();
    near.end();
    expect(await peekFirstByte(far, 5_000)).toBeUndefined();
    const [, cut] = duplexPair();
    setImmediate(() => cut.destroy());
    expect(await peekFirstByte(cut, 5_000)).toBeUndefined();
  });
});
