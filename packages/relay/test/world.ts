import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from 'node:http';
import { connect as connectSocket, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { RstreamError } from '@rstream/protocol';
import type { Action, ProjectRef } from '@rstream/protocol/claims';
import type { TunnelProperties } from '@rstream/protocol/tunnel';
import { sessionPath } from '@rstream/protocol/wire';
import { acceptUpgrade, connect, forwardTo, type ListeningTunnel, type RelaySession } from '@rstream/tunnel-core';
import { createRelay, type Authority, type Decision, type Grant, type Relay, type RelayOptions } from '../src/index.ts';

export const project: ProjectRef = { id: 'prj_1', workspaceId: 'wks_1', endpoint: 'f587ee53' };
export const otherProject: ProjectRef = { id: 'prj_2', workspaceId: 'wks_2', endpoint: '00c0ffee' };

interface FakeCredential {
  readonly credentialId: string;
  readonly project?: ProjectRef;
  readonly expiresAt?: number;
  readonly allows?: (action: Action) => boolean;
}

/** Tokens by text; revocable. */
export class FakeAuthority implements Authority {
  readonly #tokens = new Map<string, FakeCredential>();
  readonly #listeners = new Set<(credentialId: string) => void>();
  /** Calls of `authenticate`. */
  asked = 0;
  isAsync = false;

  add(token: string, credential: FakeCredential): string {
    this.#tokens.set(token, credential);
    return token;
  }

  grant(token: string): Grant {
    const credential = this.#tokens.get(token);
    if (credential === undefined) throw new RstreamError('UNAUTHORIZED', 'The token is unknown.');
    if (credential.expiresAt !== undefined && credential.expiresAt <= Date.now())
      throw new RstreamError('UNAUTHORIZED', 'The token has expired.');
    const { credentialId, project: own = project, expiresAt, allows = () => true } = credential;
    return {
      credentialId,
      userId: `usr_of_${credentialId}`,
      workspaceId: own.workspaceId,
      project: own,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      allows: (action): Decision =>
        allows(action) ? { allowed: true } : { allowed: false, error: new RstreamError('FORBIDDEN', 'The fake grant says no.') },
    };
  }

  authenticate(token: string): Grant | Promise<Grant> {
    this.asked += 1;
    if (!this.isAsync) return this.grant(token);
    return new Promise((resolve) => setImmediate(resolve)).then(() => this.grant(token));
  }

  onRevoked(listener: (credentialId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  revoke(token: string): void {
    const credential = this.#tokens.get(token);
    this.#tokens.delete(token);
    if (credential !== undefined) for (const listener of this.#listeners) listener(credential.credentialId);
  }
}

/** A relay on a real port with a control plane that says so, and helpers to put agents and services behind it. */
export interface World extends AsyncDisposable {
  readonly relay: Relay;
  readonly authority: FakeAuthority;
  readonly port: number;
  readonly base: string;
  /** Connects a client; `via` is another port that leads to the relay. */
  client(options?: { token?: string; instanceId?: string; generation?: number; via?: number }): Promise<RelaySession>;
  /** Connects an agent that forwards a tunnel to a local HTTP service. */
  publish(handler: RequestListener | number, properties?: TunnelProperties, token?: string): Promise<Published>;
}

export interface Published {
  readonly session: RelaySession;
  readonly tunnel: ListeningTunnel;
  readonly host: string;
  readonly service: HttpServer | undefined;
}

export async function createWorld(options: Partial<RelayOptions> = {}): Promise<World> {
  const authority = new FakeAuthority();
  authority.add('owner', { credentialId: 'crd_owner' });
  const listener = createServer({ allowHalfOpen: true });
  const port = await listening(listener);
  const base = `rstream.localhost:${port}`;
  const projects = { byEndpoint: (endpoint: string) => [project, otherProject].find((known) => known.endpoint === endpoint) };
  const relay = createRelay({ authority, projects, baseHost: base, secure: false, ...options });
  const control = controlPlane(relay, authority);
  listener.on('connection', (socket: Socket) => relay.handleConnection(socket, { onOther: (other) => control.emit('connection', other) }));
  const services: HttpServer[] = [];

  const world: World = {
    relay,
    authority,
    port,
    base,
    client: ({ token = 'owner', instanceId, generation, via = port } = {}) =>
      connect({
        engine: { host: '127.0.0.1', port: via, serverName: `${project.endpoint}.${base}` },
        token,
        carrier: 'upgrade',
        client: { agent: 'test', version: '1.0.0', protocol_version: '1.4.5' },
        ...(instanceId === undefined ? {} : { instanceId }),
        ...(generation === undefined ? {} : { generation }),
      }),
    async publish(handler, properties = {}, token = 'owner') {
      const service = typeof handler === 'number' ? undefined : createHttpServer(handler);
      if (service !== undefined) services.push(service);
      const target = service === undefined ? (handler as number) : await listening(service);
      const session = await world.client({ token });
      const tunnel = await session.listen({ protocol: 'http', ...properties });
      tunnel.onStream(forwardTo({ host: '127.0.0.1', port: target }));
      return { session, tunnel, host: new URL(tunnel.forwarding.replace(/^rstrm:/, 'http:')).host, service };
    },
    async [Symbol.asyncDispose]() {
      await relay.close();
      listener.close();
      for (const service of services) service.close().closeAllConnections();
      control.closeAllConnections();
    },
  };
  return world;
}

function controlPlane(relay: Relay, authority: FakeAuthority): HttpServer {
  const server = createHttpServer((request, response) => response.end(`control plane: ${request.method} ${request.url}`));
  server.on('upgrade', (request, socket: Socket, head: Buffer) => {
    if (request.url !== sessionPath) return socket.destroy();
    try {
      const grant = authority.grant((request.headers.authorization ?? '').replace(/^Bearer /, ''));
      relay.admitCarrier(acceptUpgrade(request, socket, head), { grant, remoteAddress: socket.remoteAddress ?? '' });
    } catch (error) {
      const body = JSON.stringify({ error: (error as Error).message, code: (error as RstreamError).code });
      socket.end(
        `HTTP/1.1 401 Unauthorized\r\nrstream-error: UNAUTHORIZED\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    }
    return undefined;
  });
  return server;
}

export async function listening(server: Server | HttpServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A raw client of the edge: writes what it is told, reads what comes. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake = (): void => {};

  constructor(port: number) {
    this.socket = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  write(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  get text(): string {
    return this.#received.toString('latin1');
  }

  /** Waits until the text received so far matches. Rejects when the connection ends first. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      if (this.#ended) throw new Error(`The connection ended; received so far: ${this.text}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.text;
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.text;
  }
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
