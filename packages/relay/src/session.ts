import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import {
  ControlChannel,
  acceptStream,
  createSession,
  readOpenHeader,
  refuseStream,
  type MuxStream,
  type Session,
} from '@rstream/tunnel-core';
import { RstreamError, productVersion, protocolVersion, toRstreamError } from '@rstream/protocol';
import { ClientMessage, type OpenHeader, type ServerDetails, type ServerMessage, type WireErrorBody } from '@rstream/protocol/wire';
import { admitTunnel, forwardingOf } from './admit.ts';
import { joinDial } from './dial.ts';
import type { HostPlan } from './hostnames.ts';
import type { Inflight } from './inflight.ts';
import type { EffectiveLimits } from './limits.ts';
import type { Grant, RelayLogger, RelayMetrics } from './ports.ts';
import type { Holder, Registry } from './registry.ts';

/** What a client session needs of its relay. */
export interface SessionContext {
  readonly registry: Registry;
  readonly hosts: HostPlan;
  readonly limits: EffectiveLimits;
  readonly logger: RelayLogger;
  readonly metrics: Partial<RelayMetrics>;
  /** Private streams that run now. */
  readonly dials: Inflight;
  readonly onClosed: (session: ClientSession) => void;
}

type Hello = Extract<ClientMessage, { type: 'hello' }>;
type Control = ControlChannel<unknown, ServerMessage>;

const server: ServerDetails = { agent: 'rstream-relay', version: productVersion, protocol_version: protocolVersion };

/** One connected client: its session, its control stream, the tunnels it holds and the private streams it dials. Owns the carrier. */
export class ClientSession implements Holder {
  readonly clientId = `cli_${randomBytes(12).toString('hex')}`;
  readonly grant: Grant;
  readonly #context: SessionContext;
  readonly #session: Session;
  readonly #remoteAddress: string;
  readonly #ready = Promise.withResolvers<void>();
  readonly #helloTimer: NodeJS.Timeout;
  #control: Control | undefined;
  #hello: Hello | undefined;
  #reason: RstreamError | undefined;
  #dials = 0;

  constructor(carrier: Duplex, from: { readonly grant: Grant; readonly remoteAddress: string }, context: SessionContext) {
    this.grant = from.grant;
    this.#remoteAddress = from.remoteAddress;
    this.#context = context;
    this.#ready.promise.catch(() => {});
    this.#session = createSession(carrier, { role: 'server', onStream: (stream) => void this.#onStream(stream) });
    this.#helloTimer = setTimeout(
      () => this.end(new RstreamError('REQUEST_TIMEOUT', 'The client did not say hello.')),
      context.limits.helloTimeout,
    );
    void this.#session.closed.then((error) => this.#onClosed(error));
  }

  get project(): Grant['project'] {
    return this.grant.project;
  }

  get credentialId(): string {
    return this.grant.credentialId;
  }

  get instanceId(): string {
    return this.#hello?.instance_id ?? '';
  }

  get generation(): number {
    return this.#hello?.generation ?? 0;
  }

  get isOnline(): boolean {
    return !this.#session.isClosed;
  }

  openStream(): MuxStream {
    return this.#session.open();
  }

  fence(tunnelId: string, reason: RstreamError): void {
    this.#send({ type: 'tunnel.closed', tunnel_id: tunnelId, reason: bodyOf(reason) });
    this.#context.metrics.tunnelClosed?.(reason.code);
  }

  /** Ends the session with a code that the client is told. */
  end(reason: RstreamError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#send({ type: 'failed', reason: bodyOf(reason) });
    // The mux writes once per turn of the event loop: the farewell goes out before the go-away.
    setImmediate(() => this.#session.close(reason));
  }

  /** Ends the session when its grant has expired. */
  sweep(now: number): void {
    const { expiresAt } = this.grant;
    if (expiresAt !== undefined && expiresAt <= now) this.end(new RstreamError('UNAUTHORIZED', 'The token has expired.'));
  }

  /** Asks the client to go elsewhere; running streams go on. */
  drain(): void {
    this.#send({ type: 'drain', retry_after_ms: this.#context.limits.drainRetryAfter });
    setImmediate(() => this.#session.goAway());
  }

  close(): void {
    this.#session.close();
  }

  async #onStream(stream: MuxStream): Promise<void> {
    stream.on('error', () => {});
    try {
      await this.#serve(stream, await readOpenHeader(stream, { timeout: this.#context.limits.openTimeout }));
    } catch (error) {
      refuseStream(stream, toRstreamError(error, 'INVALID_STREAM'));
    }
  }

  async #serve(stream: MuxStream, header: OpenHeader): Promise<void> {
    switch (header.kind) {
      case 'control':
        return this.#openControl(stream);
      case 'dial':
        await this.#ready.promise;
        return this.#dial(stream, header);
      case 'tunnel':
        throw new RstreamError('INVALID_STREAM', 'A client does not open streams of kind tunnel.');
    }
  }

  #dial(stream: MuxStream, header: Extract<OpenHeader, { kind: 'dial' }>): void {
    const { limits, registry, metrics, dials } = this.#context;
    if (this.#dials >= limits.dialsPerClient)
      throw new RstreamError('CAPACITY_EXHAUSTED', `This session dials ${this.#dials} streams, its limit.`);
    this.#dials += 1;
    stream.once('close', () => (this.#dials -= 1));
    joinDial(stream, header, { registry, grant: this.grant, limits, metrics, dials, remoteAddress: this.#remoteAddress });
  }

  // ---- control stream

  #openControl(stream: MuxStream): void {
    if (this.#control !== undefined) throw new RstreamError('INVALID_STREAM', 'A session has one control stream.');
    acceptStream(stream);
    this.#control = new ControlChannel<unknown, ServerMessage>(stream, {
      parse: (value) => value,
      onMessage: (message) => this.#onMessage(message),
      limit: this.#context.limits.controlMessageBytes,
    });
    // Without a control stream nothing can be said any more, so the session ends with it.
    void this.#control.closed.then((error) => {
      if (!this.isOnline) return;
      if (error === undefined) this.#session.close();
      else this.end(error);
    });
  }

  #onMessage(value: unknown): void {
    const parsed = ClientMessage.safeParse(value);
    if (!parsed.success) return this.#onMalformed(value, parsed.error.issues[0]);
    const message = parsed.data;
    if (this.#hello === undefined && message.type !== 'hello')
      return this.end(new RstreamError('INVALID_REQUEST', 'The first message must be hello.'));
    switch (message.type) {
      case 'hello':
        return this.#onHello(message);
      case 'tunnel.open':
        return this.#answer(message.request_id, () => this.#openTunnel(message));
      case 'tunnel.close':
        return this.#answer(message.request_id, () => this.#closeTunnel(message));
    }
  }

  #onMalformed(value: unknown, issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined): void {
    const { request_id: requestId, type } = (value ?? {}) as { request_id?: unknown; type?: unknown };
    const where = issue === undefined ? '' : ` ${issue.path.join('.')}: ${issue.message}`;
    const error =
      type === 'hello' && issue?.path.at(-1) === 'protocol_version'
        ? new RstreamError('PROTOCOL_VERSION_MISSING')
        : new RstreamError('INVALID_REQUEST', `The control message is malformed.${where}`);
    if (typeof requestId === 'string' && this.#hello !== undefined)
      this.#send({ type: 'failed', request_id: requestId, reason: bodyOf(error) });
    else this.end(error);
  }

  #onHello(hello: Hello): void {
    const refusal = this.#hello !== undefined ? new RstreamError('INVALID_REQUEST', 'hello is said once.') : this.#refusalOf(hello);
    if (refusal !== undefined) {
      this.#ready.reject(refusal);
      return this.end(refusal);
    }
    clearTimeout(this.#helloTimer);
    this.#hello = hello;
    const { registry, logger, metrics } = this.#context;
    registry.addClient(this, {
      ...hello.client,
      id: this.clientId,
      status: 'online',
      user_id: this.grant.userId,
      workspace_id: this.grant.workspaceId,
      project_id: this.project.id,
    });
    metrics.sessionOpened?.();
    logger.info(
      { client_id: this.clientId, project_id: this.project.id, agent: hello.client.agent, remote: this.#remoteAddress },
      'client connected',
    );
    this.#send({ type: 'welcome', client_id: this.clientId, server, project: this.project.endpoint });
    this.#ready.resolve();
    return undefined;
  }

  #refusalOf(hello: Hello): RstreamError | undefined {
    const version = hello.client.protocol_version;
    if (version === '') return new RstreamError('PROTOCOL_VERSION_MISSING');
    if (!/^\d{1,5}\.\d{1,5}\.\d{1,5}$/.test(version)) return new RstreamError('PROTOCOL_VERSION_INVALID');
    if (version.split('.')[0] !== protocolVersion.split('.')[0]) return new RstreamError('PROTOCOL_VERSION_INCOMPATIBLE');
    const decision = this.grant.allows({ type: 'session.open', project: this.project });
    if (!decision.allowed) return decision.error;
    const { registry, limits } = this.#context;
    if (registry.clientCount >= limits.clients)
      return new RstreamError('CAPACITY_EXHAUSTED', `This relay serves ${limits.clients} clients, its limit.`);
    return undefined;
  }

  #answer(requestId: string, act: () => ServerMessage): void {
    try {
      this.#send(act());
    } catch (error) {
      this.#send({ type: 'failed', request_id: requestId, reason: bodyOf(toRstreamError(error)) });
    }
  }

  #openTunnel({ request_id, properties }: Extract<ClientMessage, { type: 'tunnel.open' }>): ServerMessage {
    const { registry, hosts, limits, metrics, logger } = this.#context;
    if (this.#reason !== undefined) throw this.#reason;
    if (registry.tunnelsOf(this).length >= limits.tunnelsPerClient)
      throw new RstreamError('CAPACITY_EXHAUSTED', `This session holds ${limits.tunnelsPerClient} tunnels, its limit.`);
    const tunnel = registry.open(admitTunnel(properties, { grant: this.grant, holder: this, hosts })).record;
    metrics.tunnelOpened?.();
    logger.info({ tunnel_id: tunnel.id, client_id: this.clientId, name: tunnel.name, hostname: tunnel.hostname }, 'tunnel opened');
    return { type: 'tunnel.opened', request_id, tunnel, forwarding: forwardingOf(tunnel, hosts) };
  }

  #closeTunnel({ request_id, tunnel_id }: Extract<ClientMessage, { type: 'tunnel.close' }>): ServerMessage {
    if (this.#context.registry.close(this, tunnel_id)) this.#context.metrics.tunnelClosed?.('OK');
    return { type: 'tunnel.closed', request_id, tunnel_id };
  }

  #send(message: ServerMessage): void {
    this.#control?.send(message);
  }

  #onClosed(error: RstreamError | undefined): void {
    clearTimeout(this.#helloTimer);
    const { registry, logger, metrics } = this.#context;
    // A go-away before the end is a farewell, even though the control stream was still open; a killed process says none.
    const isClean = error === undefined || this.#reason !== undefined || this.#session.isDraining;
    const code = this.#reason?.code ?? (isClean ? 'OK' : (error?.code ?? 'OK'));
    this.#ready.reject(error ?? new RstreamError('SESSION_LOST'));
    if (this.#hello !== undefined) {
      const held = registry.tunnelsOf(this).length;
      for (let tunnel = 0; tunnel < held; tunnel += 1) metrics.tunnelClosed?.(code);
      registry.clientGone(this, { clean: isClean, now: Date.now() });
      metrics.sessionClosed?.(code);
      logger.info({ client_id: this.clientId, project_id: this.project.id, code }, 'client disconnected');
    }
    this.#context.onClosed(this);
  }
}

function bodyOf(error: RstreamError): WireErrorBody {
  return { error: error.message, code: error.code, next: error.next };
}
