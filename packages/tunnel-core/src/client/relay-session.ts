import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { errorFromReport, RstreamError, toRstreamError } from '@rstream/protocol';
import { carrierLimits, relayLimits } from '@rstream/protocol/limits';
import type { TunnelProperties } from '@rstream/protocol/tunnel';
import type { ClientMessage, ServerDetails, ServerMessage, TunnelOpenHeader, WireErrorBody } from '@rstream/protocol/wire';
import { within } from '../bound.ts';
import type { Session } from '../mux/contract.ts';
import { ControlChannel } from '../wire/control-channel.ts';
import { encodeJson, readAnswer, readOpenHeader, refuseStream, sendOpenHeader } from '../wire/open.ts';
import { ListeningTunnel } from './listening-tunnel.ts';
import { parseServerMessage } from './server-messages.ts';

export interface RelaySessionEvents {
  /** The relay is about to stop: no new streams; connect again after `retryAfterMs`. Running streams go on. */
  drain: [{ retryAfterMs: number }];
  /** A sentence for the user. */
  notice: [message: string];
}

type Hello = Extract<ClientMessage, { type: 'hello' }>;
type Welcome = Extract<ServerMessage, { type: 'welcome' }>;
type Reply = Extract<ServerMessage, { request_id?: string | undefined }>;
type Control = ControlChannel<ServerMessage, ClientMessage>;

/** One session with the relay. Ends when the carrier does; `Connection` is the one that comes back. */
export class RelaySession extends EventEmitter<RelaySessionEvents> {
  /** The multiplexed session below. */
  readonly session: Session;
  /** Settles when the session is over: undefined after `close`, else why. Never rejects. */
  readonly closed: Promise<RstreamError | undefined>;
  /** @internal Settles with the relay's first word. */
  readonly welcomed: Promise<void>;
  readonly #control: Promise<Control>;
  readonly #welcome = Promise.withResolvers<void>();
  readonly #requests = new Map<string, PromiseWithResolvers<Reply>>();
  readonly #opening = new Set<Promise<unknown>>();
  readonly #tunnels = new Map<string, ListeningTunnel>();
  #details: Welcome | undefined;
  /** Why the relay ends the session, in its own words: says more than the end itself, which may overtake it. */
  #farewell: RstreamError | undefined;
  #requestNumber = 0;
  #parked = 0;

  /** @internal Use `connect`. */
  constructor(session: Session, hello: Hello) {
    super();
    this.session = session;
    this.welcomed = this.#welcome.promise;
    this.welcomed.catch(() => {});
    this.#control = this.#openControl(hello);
    this.#control.catch((error: unknown) => this.#fail(toRstreamError(error, 'SESSION_LOST')));
    this.closed = session.closed.then((error) => {
      const reason = this.#farewell ?? error;
      this.#end(reason);
      return reason;
    });
  }

  /** Id that the relay gave this client. */
  get clientId(): string {
    return this.#details?.client_id ?? '';
  }

  /** What the relay says of itself. */
  get server(): ServerDetails {
    return this.#details?.server ?? { agent: '', version: '', protocol_version: '' };
  }

  /** Endpoint of the project that the session belongs to. */
  get project(): string {
    return this.#details?.project ?? '';
  }

  /**
   * Opens a tunnel. Rejects with the relay's reason: `TUNNEL_CONFLICT`, `FORBIDDEN`, `INVALID_REQUEST`,
   * `FEATURE_NOT_AVAILABLE`, `CAPACITY_EXHAUSTED` …
   */
  async listen(properties: TunnelProperties, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<ListeningTunnel> {
    const opened = this.#openTunnel(properties);
    const quiet = opened.catch(() => {});
    this.#opening.add(quiet);
    void quiet.then(() => this.#opening.delete(quiet));
    try {
      return await within(opened, { signal, timeout: relayLimits.openTimeout.default }, 'Opening the tunnel');
    } catch (error) {
      // A tunnel that opens after the caller gave up must not stay.
      void opened.then((tunnel) => tunnel.close()).catch(() => {});
      throw error;
    }
  }

  /**
   * Opens a stream to a tunnel of the project, by name or id, and resolves once its owner has accepted. Rejects with the far
   * end's reason: `TUNNEL_NOT_FOUND`, `TUNNEL_OFFLINE`, `FORBIDDEN`, `UPSTREAM_UNREACHABLE` …
   */
  async dial(target: string, options: { path?: string | undefined; signal?: AbortSignal | undefined } = {}): Promise<Duplex> {
    const stream = this.session.open();
    try {
      sendOpenHeader(stream, { kind: 'dial', target, ...(options.path === undefined ? {} : { path: options.path }) });
      await readAnswer(stream, { signal: options.signal });
      if (stream.destroyed) throw stream.errored ?? new RstreamError('SESSION_LOST');
      return stream;
    } catch (cause) {
      const error = toRstreamError(cause, 'SESSION_LOST');
      stream.on('error', () => {});
      stream.destroy(error);
      throw error;
    }
  }

  /** Round trip to the relay in ms. */
  ping(signal?: AbortSignal): Promise<number> {
    return this.session.ping(signal);
  }

  /** Ends the session and every stream in it. */
  async close(): Promise<void> {
    this.session.close();
    await this.closed;
  }

  /** @internal A stream that the relay opened. */
  onStream(stream: Duplex): void {
    stream.on('error', () => {});
    this.#route(stream).catch((error: unknown) => refuseStream(stream, toRstreamError(error, 'INVALID_STREAM')));
  }

  /** @internal */
  async closeTunnel(id: string): Promise<void> {
    if (!this.#tunnels.delete(id) || this.session.isClosed) return;
    const reply = this.#request((request_id) => ({ type: 'tunnel.close', request_id, tunnel_id: id }));
    await within(reply, { timeout: relayLimits.openTimeout.default }, 'Closing the tunnel').catch(() => {
      // Nothing to be done about it, and the tunnel ends with the session at the latest.
    });
  }

  async #openControl(hello: Hello): Promise<Control> {
    const stream = this.session.open();
    stream.on('error', () => {});
    sendOpenHeader(stream, { kind: 'control' });
    stream.write(encodeJson(hello));
    await readAnswer(stream, { timeout: carrierLimits.helloTimeout.default });
    const control: Control = new ControlChannel(stream, { parse: parseServerMessage, onMessage: (message) => this.#onMessage(message) });
    void control.closed.then((error) => this.#fail(error ?? new RstreamError('SESSION_LOST', 'The relay ended the control stream.')));
    return control;
  }

  async #openTunnel(properties: TunnelProperties): Promise<ListeningTunnel> {
    const reply = await this.#request((request_id) => ({ type: 'tunnel.open', request_id, properties }));
    const tunnel = reply.type === 'tunnel.opened' ? this.#tunnels.get(reply.tunnel.id) : undefined;
    if (tunnel === undefined) throw new RstreamError('SESSION_LOST', 'The relay gave an answer that does not fit the question.');
    return tunnel;
  }

  async #request(make: (requestId: string) => ClientMessage): Promise<Reply> {
    const control = await this.#control;
    if (this.session.isClosed) throw new RstreamError('ERR_RSTREAM_SESSION_CLOSED');
    const id = String((this.#requestNumber += 1));
    const pending = Promise.withResolvers<Reply>();
    control.send(make(id));
    this.#requests.set(id, pending);
    return pending.promise;
  }

  #onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#details = message;
        this.#welcome.resolve();
        break;
      case 'tunnel.opened':
        this.#tunnels.set(message.tunnel.id, new ListeningTunnel(message.tunnel, message.forwarding, this));
        this.#answer(message.request_id, message);
        break;
      case 'tunnel.closed':
        this.#tunnels
          .get(message.tunnel_id)
          ?.end(message.reason === undefined ? new RstreamError('TUNNEL_CLOSED') : errorOf(message.reason));
        this.#tunnels.delete(message.tunnel_id);
        this.#answer(message.request_id, message);
        break;
      case 'failed':
        if (message.request_id === undefined) this.#fail((this.#farewell = errorOf(message.reason)));
        else this.#answer(message.request_id, errorOf(message.reason));
        break;
      case 'drain':
        this.emit('drain', { retryAfterMs: message.retry_after_ms });
        break;
      case 'notice':
        this.emit('notice', message.message);
        break;
    }
  }

  #answer(requestId: string | undefined, reply: Reply | RstreamError): void {
    if (requestId === undefined) return;
    const pending = this.#requests.get(requestId);
    this.#requests.delete(requestId);
    if (reply instanceof RstreamError) pending?.reject(reply);
    else pending?.resolve(reply);
  }

  async #route(stream: Duplex): Promise<void> {
    const header = await readOpenHeader(stream);
    if (header.kind !== 'tunnel')
      throw new RstreamError('INVALID_STREAM', 'The relay opened a stream of a kind that this end does not take.');
    const tunnel = this.#tunnels.get(header.tunnel_id) ?? (await this.#awaitTunnel(header));
    if (tunnel === undefined) throw new RstreamError('TUNNEL_NOT_FOUND', 'This client does not hold that tunnel any more.');
    tunnel.offer(stream, header);
  }

  /** A stream may overtake the message that says its tunnel is open. */
  async #awaitTunnel(header: TunnelOpenHeader): Promise<ListeningTunnel | undefined> {
    if (this.#opening.size === 0 || this.#parked >= carrierLimits.acceptBacklog.default) return undefined;
    this.#parked += 1;
    try {
      await Promise.all(this.#opening);
    } finally {
      this.#parked -= 1;
    }
    return this.#tunnels.get(header.tunnel_id);
  }

  #fail(error: RstreamError): void {
    this.#welcome.reject(error);
    this.session.close(error);
  }

  /** The session is over: whoever waits for something of it is told why. */
  #end(cause: RstreamError | undefined): void {
    const error = cause ?? new RstreamError('ERR_RSTREAM_SESSION_CLOSED');
    this.#welcome.reject(error);
    for (const pending of this.#requests.values()) pending.reject(error);
    this.#requests.clear();
    for (const tunnel of this.#tunnels.values()) tunnel.end(error);
    this.#tunnels.clear();
  }
}

function errorOf(reason: WireErrorBody): RstreamError {
  return errorFromReport({ code: reason.code, message: reason.error, next: reason.next });
}
