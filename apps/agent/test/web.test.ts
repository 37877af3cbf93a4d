import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { text as bodyOf } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { decodeMessage, encodeMessage, type Message, type MessageOf } from '@rstream/protocol/webtty';
import { CommandServer, type Caller, type CommandRecord, type MessageLink, type ServeOptions } from '@rstream/webtty-server';
import { collect, openTerminal, transportFromWebSocket } from '@rstream/webtty-client';
import { pageFiles } from '@rstream/webtty-page';
import { WebEndpoint, type WebEndpointOptions } from '../src/web/endpoint.ts';

type Known = Exclude<Message, { kind: 'unknown' }>;
const caller: Caller = { userId: 'usr_1', credentialId: 'crd_1', sourceIp: '192.0.2.1', streamId: 'str_1' };
const MIB = 1024 * 1024;

let cleanup: (() => Promise<unknown> | void)[] = [];
let records: CommandRecord[] = [];
beforeEach(() => {
  cleanup = [];
  records = [];
});
afterEach(async () => {
  for (const release of cleanup.reverse()) await release();
});

interface Served {
  readonly endpoint: WebEndpoint;
  readonly commands: CommandServer;
  readonly host: string;
  readonly port: number;
}

/** An endpoint whose streams are plain connections, all of one caller. */
async function serve(options: Partial<WebEndpointOptions> = {}): Promise<Served> {
  const commands = new CommandServer({ policy: { terminal: true }, environment: process.env, onRecord: (record) => records.push(record) });
  const endpoint = new WebEndpoint({ commands, ...options });
  const listener: Server = createServer({ allowHalfOpen: true }, (socket) => endpoint.accept(socket, caller)).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  cleanup.push(async () => {
    await commands.stop(0);
    await endpoint.close();
    listener.close();
  });
  return { endpoint, commands, port, host: `127.0.0.1:${port}` };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function ask(
  { port }: Served,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: object } = {},
): Promise<Answer> {
  const outgoing = request({ agent: false, host: '127.0.0.1', port, path, method, headers: { ...headers } }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await bodyOf(response) };
}

/** The status that an upgrade gets: 101, or the refusal. */
async function upgradeStatus({ host }: Served, path: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const socket = new WebSocket(`ws://${host}${path}`, { headers });
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      resolve(response.statusCode);
      response.destroy();
    });
  });
}

/** A client that speaks only the published messages. */
class PublishedClient {
  readonly socket: WebSocket;
  readonly received: Message[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake = (): void => undefined;

  constructor({ host }: Served, path = '/') {
    this.socket = new WebSocket(`ws://${host}${path}`, { perMessageDeflate: true });
    this.socket.on('message', (data: Buffer) => {
      this.received.push(decodeMessage(data));
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
  }

  async open(config: MessageOf<'open'>['config']): Promise<this> {
    await once(this.socket, 'open');
    return this.send({ kind: 'open', capabilities: [], ...(config === undefined ? {} : { config }) });
  }

  send(...messages: readonly Known[]): this {
    for (const message of messages) this.socket.send(encodeMessage(message));
    return this;
  }

  async until(matches: (client: this) => boolean): Promise<void> {
    while (!matches(this)) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed; got ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  get text(): string {
    return Buffer.concat(this.received.flatMap((m) => (m.kind === 'data' && m.data !== undefined ? [m.data] : []))).toString();
  }
}

const config = (cmdArgs: readonly string[], tty = false): MessageOf<'open'>['config'] => ({
  options: { interactive: true, allocateTty: tty, sendHeartbeat: false },
  cmdArgs: [...cmdArgs],
  envVars: [],
});

describe('the page', () => {
  it('comes with a strict policy and names its assets relative to itself', async () => {
    const served = await serve();
    const { status, headers, body } = await ask(served, '/');
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'text/html; charset=utf-8', 'no-store']);
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
    });
    for (const { name } of pageFiles.slice(1)) expect(body).toContain(`"_rstream/webtty/${name}"`);
    expect(body).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    expect(body).not.toMatch(/<script>|<style| style=| on\w+=/);
  });

  it('has assets that are cached for good, below the root and below a share, packed where the client takes that', async () => {
    const served = await serve();
    for (const { name, type } of pageFiles.slice(1)) {
      for (const path of [`/_rstream/webtty/${name}`, `/share/shr_1/_rstream/webtty/${name}`]) {
        const plain = await ask(served, path);
        expect([path, plain.status, plain.headers['content-type']]).toEqual([path, 200, type]);
        expect(plain.headers['cache-control']).toBe('private, max-age=31536000, immutable');
        const packed = await ask(served, path, { method: 'HEAD', headers: { 'accept-encoding': 'gzip, br' } });
        expect(packed.headers['content-encoding']).toBe('gzip');
        expect(Number(packed.headers['content-length'])).toBeLessThan(plain.body.length / 2);
      }
    }
  });

  it('is the same one for a share, after a slash', async () => {
    const served = await serve();
    expect((await ask(served, '/share/shr_1/?a=b')).body).toBe((await ask(served, '/')).body);
    const { status, headers } = await ask(served, '/share/shr_1');
    expect([status, headers.location]).toEqual([308, '/share/shr_1/']);
  });

  it('is all that there is: 404, or 405 for other methods', async () => {
    const served = await serve();
    for (const path of [
      '/x',
      '/index.html',
      '/fs',
      '/_rstream/webtty/index.html',
      '/_rstream/webtty/../x',
      '/share/',
      '/share/a/b',
      '/share/a/socket',
      '//',
    ]) {
      const { status, headers } = await ask(served, path);
      expect([path, status]).toEqual([path, 404]);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    }
    expect((await ask(served, '/', { method: 'POST' })).status).toBe(405);
    expect((await ask(served, '/x', { method: 'PUT' })).status).toBe(404);
  });

  it('leaves a path to what is mounted there, with who asks', async () => {
    const seen: unknown[] = [];
    const served = await serve({
      mounts: [{ prefix: '/fs', handle: (asked, response, by) => void (seen.push(asked.method, by), response.end('mounted')) }],
    });
    expect((await ask(served, '/fs/a', { method: 'PROPFIND' })).body).toBe('mounted');
    expect((await ask(served, '/fsx')).status).toBe(404);
    expect((await ask(served, '/fs/a', { method: 'PUT', headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect(seen).toEqual(['PROPFIND', caller]);
  });

  it('refuses a head that is too large, and cuts a connection that asks nothing', async () => {
    const served = await serve({ requestTimeoutMs: 200 });
    expect((await ask(served, '/', { headers: { x: 'y'.repeat(20_000) } })).status).toBe(431);
    const silent: Socket = connect(served.port, '127.0.0.1');
    silent.write('GET / HTT');
    silent.resume();
    await once(silent, 'close');
    while (served.endpoint.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('answers 503 to one connection too many, and to everybody while it drains', async () => {
    const full = await serve({ maxConnections: 1 });
    const first = connect(full.port, '127.0.0.1');
    await once(first, 'connect');
    expect((await ask(full, '/')).status).toBe(503);
    first.destroy();
    const served = await serve();
    served.endpoint.drain();
    expect((await ask(served, '/')).status).toBe(503);
    expect(await upgradeStatus(served, '/')).toBe(503);
  });
});

describe('an upgrade', () => {
  it('may come from the same host, from a program and from an allowed origin, and from nowhere else', async () => {
    const served = await serve({ allowedOrigins: ['https://console.example.com', 'tools.example.com'] });
    const { host } = served;
    const statuses = async (origins: readonly string[]): Promise<unknown[]> =>
      Promise.all(origins.map((origin) => upgradeStatus(served, '/', { origin })));
    expect(await upgradeStatus(served, '/')).toBe(101);
    expect(await statuses([`http://${host}`, `https://${host}`, 'https://console.example.com', 'https://tools.example.com'])).toEqual([
      101, 101, 101, 101,
    ]);
    const wrong = [
      'null',
      'https://evil.example',
      `http://x.${host}`,
      'http://127.0.0.1',
      'http://console.example.com',
      `http://${host}@evil.example`,
      `ftp://${host}`,
      '',
    ];
    expect(await statuses(wrong)).toEqual(wrong.map(() => 403));
  });

  it('is only for the paths of sockets, and only to a WebSocket', async () => {
    const served = await serve();
    for (const path of ['/x', '/share/shr_1/', '/share/shr_1/socket/', '/fs'])
      expect([path, await upgradeStatus(served, path)]).toEqual([path, 404]);
    const other = await ask(served, '/', { headers: { connection: 'Upgrade', upgrade: 'h2c' } });
    expect(other.status).toBe(404);
  });

  it('of a share can do nothing but look at it', async () => {
    const seen: (ServeOptions | undefined)[] = [];
    const commands = {
      serveLink: (link: MessageLink, _by: Caller, options?: ServeOptions): Promise<void> => {
        seen.push(options);
        return link.close(1_000);
      },
    };
    const served = await serve({ commands });
    for (const path of ['/share/shr_1/socket', '/']) await new PublishedClient(served, path).closed;
    expect(seen).toEqual([{ only: 'share', shareId: 'shr_1' }, {}]);
  });

  it('of a share refuses to open a command, and starts none', async () => {
    const served = await serve();
    const client = await new PublishedClient(served, '/share/shr_1/socket').open(config(['echo', 'no']));
    await client.closed;
    expect(client.received.map(({ kind }) => kind)).toEqual(['error']);
    expect(records).toMatchObject([{ decision: 'refused' }]);
  });
});

describe('a published client over WebSocket', () => {
  it('runs a command: ack, output, ends of both streams, close; then 1000 finished', async () => {
    const served = await serve();
    const client = await new PublishedClient(served).open(config(['sh', '-c', 'cat; echo bad >&2; exit 3']));
    await client.until(({ received }) => received.length > 0);
    client.send({ kind: 'data', type: 0, data: Buffer.from('typed\n') }, { kind: 'data', type: 0, eos: true });
    expect(await client.closed).toEqual({ code: 1000, reason: 'finished' });
    const kinds = client.received.map((message) =>
      message.kind === 'data' ? `${message.kind} ${message.type} ${message.eos === true ? 'eos' : ''}` : message.kind,
    );
    expect(kinds[0]).toBe('ack');
    expect(kinds.filter((kind) => kind.endsWith('eos')).sort()).toEqual(['data 1 eos', 'data 2 eos']);
    expect(client.received.at(-1)).toMatchObject({ kind: 'close', returnCode: 3 });
    expect(client.text).toContain('typed\n');
    expect(records).toMatchObject([{ credential_id: 'crd_1', user_id: 'usr_1', exit_code: 3 }]);
  });

  it('has a terminal that learns its size', async () => {
    const served = await serve();
    const client = await new PublishedClient(served).open(config(['sh'], true));
    client.send({ kind: 'parameter', terminalSize: { row: 31, col: 97, xpixel: 0, ypixel: 0 } });
    client.send({ kind: 'data', type: 0, data: Buffer.from('stty size; exit\n') });
    await client.closed;
    expect(client.text).toContain('31 97');
  });

  it('takes 3 MB that the client reads late, whole', async () => {
    const served = await serve();
    const client = new PublishedClient(served);
    await client.open(config(['head', '-c', '3000000', '/dev/zero']));
    client.socket.pause();
    await client.until(() => true);
    client.socket.resume();
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(client.text).toHaveLength(3_000_000);
  });

  it('is cut after a text frame and after a message that is none, and its command ends', async () => {
    const served = await serve();
    for (const [frame, code] of [
      ['text', 1003],
      [Buffer.from([0xff, 0xff, 0xff]), 1002],
      [Buffer.alloc(MIB + 1), 1009],
    ] as const) {
      const client = await new PublishedClient(served).open(config(['sleep', '300']));
      await client.until(({ received }) => received.some(({ kind }) => kind === 'ack'));
      client.socket.send(frame);
      expect(await client.closed).toMatchObject({ code });
    }
    while (served.commands.running > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('our own client over WebSocket', () => {
  it('collects a command and its megabytes', async () => {
    const { host } = await serve();
    const result = await collect(
      await transportFromWebSocket(`ws://${host}/`),
      { argv: ['sh', '-c', 'head -c 5000000 /dev/zero | tr "\\0" x; echo bad >&2; exit 4'] },
      { url: 'test' },
    );
    expect(result).toMatchObject({ exit_code: 4, stdout_bytes: 5_000_000, stderr: 'bad\n' });
  });

  it('has a terminal', async () => {
    const { host } = await serve();
    const terminal = await openTerminal(await transportFromWebSocket(`ws://${host}/`), { argv: ['sh'], rows: 24, columns: 80 });
    const shown = (async () => {
      let output = '';
      for await (const chunk of terminal.output) output += Buffer.from(chunk).toString();
      return output;
    })();
    await terminal.write(Buffer.from('echo $((6*7)); exit 5\n'));
    expect((await terminal.wait()).exitCode).toBe(5);
    expect(await shown).toContain('42');
  });

  it('is told that it could not connect', async () => {
    const served = await serve();
    served.endpoint.drain();
    await expect(transportFromWebSocket(`ws://${served.host}/`)).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_UNREACHABLE' });
  });
});
