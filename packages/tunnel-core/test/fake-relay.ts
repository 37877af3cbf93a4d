import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import { ClientMessage, type ServerMessage } from '@rstream/protocol/wire';
import {
  acceptStream,
  acceptUpgrade,
  acceptWebSocket,
  ControlChannel,
  createSession,
  readOpenHeader,
  refuseCarrier,
  refuseStream,
  requestedCarrier,
  sendOpenHeader,
  splice,
  type MuxStream,
  type Session,
} from '../src/index.ts';

export type FakeControl = ControlChannel<ClientMessage, ServerMessage>;
type Hello = Extract<ClientMessage, { type: 'hello' }>;

/** One connected client as the fake relay sees it. */
export interface FakeClient {
  readonly session: Session;
  readonly kind: string;
  readonly carrier: Duplex;
  control?: FakeControl;
  hello?: Hello;
}

interface Held {
  readonly id: string;
  readonly name: string;
  readonly client: FakeClient;
}

/** A relay in a few lines: one project, the token `good`, tunnels by name, dial, take-over. Every decision can be replaced. */
export class FakeRelay {
  readonly clients: FakeClient[] = [];
  readonly tunnels = new Map<string, Held>();
  /** A reason to refuse the carrier. */
  refuseCarrier: (request: IncomingMessage) => RstreamError | undefined = (request) =>
    request.headers.authorization === 'Bearer good' ? undefined : new RstreamError('UNAUTHORIZED', 'That token is not known.');
  /** A reason to refuse a tunnel. */
  refuseTunnel: (properties: Record<string, unknown>) => RstreamError | undefined = () => undefined;
  /** What answers instead of welcome. */
  welcome: (hello: Hello) => ServerMessage = () => welcome;
  readonly server: Server = createServer((_request, response) => response.writeHead(404).end());
  readonly requests: IncomingMessage[] = [];
  port = 0;
  #next = 0;

  constructor() {
    this.server.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head));
  }

  get engine(): string {
    return `f587ee53.rstream.localhost:${this.port}`;
  }

  async listen(port = 0): Promise<this> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Cuts every carrier and stops listening, as a killed process does. */
  async kill(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    for (const client of this.clients.splice(0)) client.carrier.destroy();
    this.tunnels.clear();
    await closed;
  }

  /** The client that connected last. */
  get last(): FakeClient {
    const client = this.clients.at(-1);
    if (client === undefined) throw new Error('no client has connected');
    return client;
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.requests.push(request);
    const refusal = this.refuseCarrier(request);
    if (refusal !== undefined) return refuseCarrier(socket, refusal);
    const kind = requestedCarrier(request) ?? 'none';
    let carrier: Duplex;
    try {
      carrier = kind === 'websocket' ? await acceptWebSocket(request, socket, head) : acceptUpgrade(request, socket, head);
    } catch (error) {
      return refuseCarrier(socket, toRstreamError(error));
    }
    const session = createSession(carrier, { role: 'server', onStream: (stream) => this.#onStream(stream, client) });
    const client: FakeClient = { session, kind, carrier };
    this.clients.push(client);
    void session.closed.then(() => {
      for (const held of this.tunnels.values()) if (held.client === client) this.tunnels.delete(held.name);
    });
  }

  #onStream(stream: MuxStream, client: FakeClient): void {
    this.#serve(stream, client).catch((error: unknown) => refuseStream(stream, toRstreamError(error)));
  }

  async #serve(stream: MuxStream, client: FakeClient): Promise<void> {
    const header = await readOpenHeader(stream);
    if (header.kind === 'dial') return this.#dial(stream, header.target);
    if (header.kind !== 'control') throw new RstreamError('INVALID_STREAM');
    acceptStream(stream);
    const control: FakeControl = new ControlChannel(stream, {
      parse: (value) => ClientMessage.parse(value),
      onMessage: (message) => this.#onMessage(message, client, control),
    });
    client.control = control;
  }

  #onMessage(message: ClientMessage, client: FakeClient, control: FakeControl): void {
    if (message.type === 'hello') {
      client.hello = message;
      control.send(this.welcome(message));
    } else if (message.type === 'tunnel.close') {
      for (const held of this.tunnels.values()) if (held.id === message.tunnel_id) this.tunnels.delete(held.name);
      control.send({ type: 'tunnel.closed', request_id: message.request_id, tunnel_id: message.tunnel_id });
    } else {
      this.#openTunnel(message, client, control);
    }
  }

  #openTunnel(message: Extract<ClientMessage, { type: 'tunnel.open' }>, client: FakeClient, control: FakeControl): void {
    const { request_id, properties } = message;
    const refusal = this.refuseTunnel(properties);
    if (refusal !== undefined) return control.send({ type: 'failed', request_id, reason: bodyOf(refusal) });
    const name = properties.name ?? 'unnamed';
    const older = this.tunnels.get(name);
    older?.client.control?.send({ type: 'tunnel.closed', tunnel_id: older.id, reason: bodyOf(new RstreamError('TUNNEL_REPLACED')) });
    const id = `t${(this.#next += 1)}`;
    this.tunnels.set(name, { id, name, client });
    control.send({
      type: 'tunnel.opened',
      request_id,
      forwarding: `rstrm://${name}`,
      tunnel: {
        ...properties,
        name,
        id,
        hostname: properties.hostname ?? `${id}-f587ee53.t.rstream.localhost`,
        status: 'online',
        creation_date: '2026-01-01T00:00:00Z',
        type: 'bytestream',
        publish: properties.publish ?? true,
        client_id: 'c1',
        user_id: 'u1',
        workspace_id: 'w1',
        project_id: 'p1',
      },
    });
  }

  async #dial(stream: MuxStream, target: string): Promise<void> {
    const held = this.tunnels.get(target);
    if (held === undefined) throw new RstreamError('TUNNEL_NOT_FOUND', `There is no tunnel ${target}.`);
    const out = held.client.session.open();
    sendOpenHeader(out, { kind: 'tunnel', tunnel_id: held.id, stream_id: 's1', via: 'dial' });
    await splice(stream, out);
  }
}

export const welcome: ServerMessage = {
  type: 'welcome',
  client_id: 'c1',
  server: { agent: 'fake', version: '0.0.0', protocol_version: '1.4.5' },
  project: 'f587ee53',
};

export function bodyOf(error: RstreamError): { error: string; code: string; next: string } {
  return { error: error.message, code: error.code, next: error.next };
}

export const details = { agent: 'test', version: '0.0.0', protocol_version: '1.4.5' };
