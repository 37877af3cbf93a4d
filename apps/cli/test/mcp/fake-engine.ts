import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { RstreamError } from '@rstream/protocol';
import type { TunnelProperties } from '@rstream/protocol/tunnel';
import { ClientMessage, type ServerMessage } from '@rstream/protocol/wire';
import {
  acceptStream,
  acceptUpgrade,
  ControlChannel,
  createSession,
  readAnswer,
  readOpenHeader,
  refuseStream,
  sendOpenHeader,
  splice,
  type MuxStream,
  type Session,
} from '@rstream/tunnel-core';
import type { Home } from './serve-process.ts';

export const engineToken = 'eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoicGF0Iiwic3ViIjoib3duZXIifQ.b3duZXItc2lnbmF0dXJl';
export const mintedToken = 'eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoiYXV0aCIsInN1YiI6InJlYWR5In0.bWludGVkLXNpZ25hdHVyZQ';

interface Held {
  readonly id: string;
  readonly properties: TunnelProperties;
  readonly session: Session;
}

/** An engine of one project in one process: sessions, tunnels, their inventory, and tokens. No public side. */
export class FakeEngine implements AsyncDisposable {
  readonly tunnels = new Map<string, Held>();
  readonly minted: unknown[] = [];
  readonly #sessions = new Set<Session>();
  readonly #events = new EventEmitter();
  readonly #server: Server;
  #next = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine();
    engine.#server.listen(0, '127.0.0.1');
    await once(engine.#server, 'listening');
    return engine;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves once somebody holds a tunnel of that name. */
  async opened(name: string): Promise<void> {
    while (![...this.tunnels.values()].some(({ properties }) => properties.name === name)) await once(this.#events, 'tunnel');
  }

  /** Makes this engine the default context of a home. */
  configure(home: Home): void {
    const storage = `{ kind: inline, value: ${engineToken} }`;
    const context = `  - name: fake\n    engine: ${this.address}\n    auth: { token: { storage: ${storage} } }\n`;
    writeFileSync(home.config, `version: 1\ndefaults: { context: { name: fake } }\ncontexts:\n${context}`, { mode: 0o600 });
  }

  /** What a visitor of the tunnel gets from the service behind it. */
  async visit(tunnelId: string, path = '/'): Promise<string> {
    const held = this.tunnels.get(tunnelId);
    if (held === undefined) throw new Error(`there is no tunnel ${tunnelId}`);
    const stream = held.session.open();
    sendOpenHeader(stream, { kind: 'tunnel', tunnel_id: tunnelId, stream_id: 's1', via: 'edge' });
    await readAnswer(stream);
    stream.end(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    return await text(stream);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (request.headers.authorization !== `Bearer ${engineToken}`) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const session = createSession(acceptUpgrade(request, socket, head), {
      role: 'server',
      onStream: (stream) => void this.#onStream(stream, session),
    });
    this.#sessions.add(session);
    void session.closed.then(() => {
      this.#sessions.delete(session);
      for (const held of this.tunnels.values()) if (held.session === session) this.tunnels.delete(held.id);
    });
  }

  async #onStream(stream: MuxStream, session: Session): Promise<void> {
    const header = await readOpenHeader(stream);
    if (header.kind === 'dial') return this.#dial(stream, header.target);
    acceptStream(stream);
    const control: ControlChannel<ClientMessage, ServerMessage> = new ControlChannel(stream, {
      parse: (value) => ClientMessage.parse(value),
      // The channel may deliver its first message while it is being made.
      onMessage: (message) => queueMicrotask(() => control.send(this.#answer(message, session))),
    });
  }

  #dial(stream: MuxStream, target: string): void {
    const held = [...this.tunnels.values()].find(({ id, properties }) => [id, properties.name].includes(target));
    if (held === undefined) return refuseStream(stream, new RstreamError('TUNNEL_NOT_FOUND', `There is no tunnel ${target}.`));
    const out = held.session.open();
    sendOpenHeader(out, { kind: 'tunnel', tunnel_id: held.id, stream_id: 's1', via: 'dial', user_id: 'u1' });
    void splice(stream, out);
  }

  #answer(message: ClientMessage, session: Session): ServerMessage {
    if (message.type === 'hello') {
      const server = { agent: 'fake', version: '0', protocol_version: '1.4.5' };
      return { type: 'welcome', client_id: 'c1', project: 'f587ee53', server };
    }
    const { request_id } = message;
    if (message.type === 'tunnel.close') {
      this.tunnels.delete(message.tunnel_id);
      return { type: 'tunnel.closed', request_id, tunnel_id: message.tunnel_id };
    }
    const { properties } = message;
    if ([...this.tunnels.values()].some((held) => held.properties.name === properties.name)) {
      const reason = { error: `The name ${properties.name} is taken.`, code: 'FORBIDDEN', next: 'Choose another name.' };
      return { type: 'failed', request_id, reason };
    }
    const held = { id: `tun${(this.#next += 1)}`, properties, session };
    this.tunnels.set(held.id, held);
    this.#events.emit('tunnel');
    return { type: 'tunnel.opened', request_id, tunnel: this.#tunnel(held), forwarding: `http://${held.id}.t.localhost` };
  }

  #tunnel({ id, properties }: Held) {
    return {
      ...properties,
      id,
      status: 'online' as const,
      creation_date: '2026-01-01T00:00:00.000Z',
      type: 'bytestream' as const,
      publish: properties.publish ?? true,
      client_id: 'c1',
      user_id: 'u1',
      workspace_id: 'w1',
      project_id: 'p1',
    };
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    const id = /^\/api\/tunnels\/(.+)$/.exec(pathname)?.[1];
    if (request.headers.authorization !== `Bearer ${engineToken}`) return void send(401, { error: 'No.', code: 'UNAUTHORIZED' });
    if (pathname === '/api/tunnels')
      return void send(
        200,
        [...this.tunnels.values()].map((held) => this.#tunnel(held)),
      );
    if (pathname === '/api/tokens') {
      this.minted.push(JSON.parse(await text(request)));
      return void send(200, { token: mintedToken, expires_at: '2030-01-01T00:00:00.000Z' });
    }
    const held = this.tunnels.get(id ?? '');
    return void (held === undefined ? send(404, { error: 'No such tunnel.', code: 'TUNNEL_NOT_FOUND' }) : send(200, this.#tunnel(held)));
  }
}
