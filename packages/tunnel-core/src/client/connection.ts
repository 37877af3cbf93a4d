import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { RstreamError, toRstreamError, type ErrorCode } from '@rstream/protocol';
import { carrierLimits } from '@rstream/protocol/limits';
import type { TunnelProperties } from '@rstream/protocol/tunnel';
import { within } from '../bound.ts';
import { createBackoff, type Backoff, type RetryOptions } from './backoff.ts';
import { connect, type ConnectOptions } from './connect.ts';
import { Listener } from './listener.ts';
import type { StreamHandler } from './listening-tunnel.ts';
import type { RelaySession } from './relay-session.ts';

export interface KeepConnectedOptions extends Omit<ConnectOptions, 'generation'> {
  /** False: one session, no second attempt. */
  readonly retry?: RetryOptions | false | undefined;
}

/** `stopped` is final: after `close` (no error), or because trying again cannot help. */
export interface ConnectionStatus {
  readonly state: 'connecting' | 'connected' | 'disconnected' | 'stopped';
  readonly error?: RstreamError | undefined;
  /** Ms until the next attempt, with `disconnected`. */
  readonly retryInMs?: number | undefined;
}

export interface ConnectionEvents {
  status: [status: ConnectionStatus];
  /** A sentence of the relay for the user. */
  notice: [message: string];
}

/** Refusals that the same credential and the same program will get again. */
const permanentCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNAUTHORIZED',
  'FORBIDDEN',
  'INVALID_REQUEST',
  'PROTOCOL_VERSION_MISSING',
  'PROTOCOL_VERSION_INVALID',
  'PROTOCOL_VERSION_INCOMPATIBLE',
  'FEATURE_NOT_AVAILABLE',
  'TUNNEL_CONFLICT',
  'TUNNEL_REPLACED',
  'NOT_FOUND',
  'ERR_RSTREAM_ENGINE_INVALID',
]);

interface Loss {
  readonly error: RstreamError;
  /** The relay asked to wait that long. */
  readonly retryAfterMs?: number;
}

/** A session with the relay that comes back: after a loss it connects again and opens its tunnels again. */
export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #options: KeepConnectedOptions;
  readonly #instanceId: string;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<Listener>();
  /** Every session that is not over yet: the current one, and draining ones whose streams still run. */
  readonly #sessions = new Set<RelaySession>();
  readonly #stopped: Promise<void>;
  #current: RelaySession | undefined;
  #arrival = pendingSession();
  #status: ConnectionStatus = { state: 'connecting' };
  #generation = 0;

  /** @internal Use `keepConnected`. */
  constructor(options: KeepConnectedOptions) {
    super();
    this.#options = options;
    this.#instanceId = options.instanceId ?? randomUUID();
    this.#backoff = createBackoff(options.retry === false ? {} : options.retry);
    this.#stop.signal.addEventListener('abort', () => {
      for (const relay of this.#sessions) relay.session.close();
    });
    // Begins after the caller had its turn to add event listeners.
    this.#stopped = Promise.resolve().then(() => this.#run());
    const { signal } = options;
    if (signal?.aborted === true) this.#stop.abort(signal.reason);
    else signal?.addEventListener('abort', () => this.#stop.abort(signal.reason), { once: true, signal: this.#stop.signal });
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** The session of this moment, if there is one. */
  get session(): RelaySession | undefined {
    return this.#current;
  }

  /** Holds a tunnel open over reconnects. What happens to it is told by the listener's `status` events. */
  listen(properties: TunnelProperties, handler: StreamHandler): Listener {
    const listener = new Listener(properties, handler, this.#options.retry === false ? {} : (this.#options.retry ?? {}));
    this.#listeners.add(listener);
    void listener.closed.then(() => this.#listeners.delete(listener));
    if (this.#status.state === 'stopped') queueMicrotask(() => listener.fail(stopReason(this.#status)));
    else if (this.#current !== undefined) listener.attach(this.#current);
    return listener;
  }

  /**
   * Opens a stream to a tunnel, by name or id. Waits for a session until the signal fires, without one for at most
   * `carrier.connectTimeout`. Rejects as `RelaySession.dial` does, and with the reason of `stopped`.
   */
  async dial(target: string, options: { path?: string | undefined; signal?: AbortSignal | undefined } = {}): Promise<Duplex> {
    const timeout = options.signal === undefined ? carrierLimits.connectTimeout.default : 0;
    const relay = await within(this.#arrival.promise, { signal: options.signal, timeout }, 'Waiting for the relay');
    return relay.dial(target, options);
  }

  /** Ends everything: sessions, tunnels, streams. Resolves when nothing is left open. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#stopped;
    await Promise.all([...this.#sessions].map((relay) => relay.close()));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#report({ state: 'connecting' });
      const { error, retryAfterMs } = await this.#once();
      if (signal.aborted) break;
      if (this.#options.retry === false || permanentCodes.has(error.code)) return this.#end(error);
      const retryInMs = Math.max(this.#backoff.next(), retryAfterMs ?? 0);
      this.#report({ state: 'disconnected', error, retryInMs });
      await sleep(retryInMs, undefined, { signal }).catch(() => {});
    }
    this.#end(undefined);
  }

  /** One session, from the attempt to its loss. */
  async #once(): Promise<Loss> {
    let relay: RelaySession;
    try {
      const generation = (this.#generation += 1);
      relay = await connect({ ...this.#options, instanceId: this.#instanceId, generation, signal: this.#stop.signal });
    } catch (error) {
      return { error: toRstreamError(error, 'ERR_RSTREAM_CONNECT_FAILED') };
    }
    const since = performance.now();
    this.#adopt(relay);
    const loss = await this.#lossOf(relay);
    const stableAfter = (this.#options.retry || undefined)?.stableAfter ?? carrierLimits.reconnectStable.default;
    if (performance.now() - since >= stableAfter) this.#backoff.reset();
    this.#current = undefined;
    this.#arrival = pendingSession();
    for (const listener of this.#listeners) listener.detach(loss.error);
    return loss;
  }

  #adopt(relay: RelaySession): void {
    this.#current = relay;
    this.#sessions.add(relay);
    void relay.closed.then(() => this.#sessions.delete(relay));
    relay.on('notice', (message) => this.emit('notice', message));
    this.#report({ state: 'connected' });
    this.#arrival.resolve(relay);
    for (const listener of this.#listeners) listener.attach(relay);
  }

  /** Waits until the session is no longer the one to use: it ended, or the relay drains it. */
  #lossOf(relay: RelaySession): Promise<Loss> {
    return new Promise((resolve) => {
      void relay.closed.then((error) => resolve({ error: error ?? new RstreamError('SESSION_LOST') }));
      relay.once('drain', ({ retryAfterMs }) => {
        resolve({ error: new RstreamError('SERVICE_UNAVAILABLE', 'The relay is about to stop.'), retryAfterMs });
      });
    });
  }

  #end(error: RstreamError | undefined): void {
    this.#stop.abort();
    this.#report(error === undefined ? { state: 'stopped' } : { state: 'stopped', error });
    const reason = stopReason(this.#status);
    this.#arrival.reject(reason);
    for (const listener of this.#listeners) void (error === undefined ? listener.close() : listener.fail(reason));
  }

  #report(status: ConnectionStatus): void {
    this.#status = status;
    this.emit('status', status);
  }
}

/** Connects, and connects again after every loss, until `close`, the signal, or a refusal that trying again cannot change. */
export function keepConnected(options: KeepConnectedOptions): Connection {
  return new Connection(options);
}

function pendingSession(): PromiseWithResolvers<RelaySession> {
  const pending = Promise.withResolvers<RelaySession>();
  pending.promise.catch(() => {});
  return pending;
}

function stopReason(status: ConnectionStatus): RstreamError {
  return status.error ?? new RstreamError('ERR_RSTREAM_SESSION_CLOSED', 'The connection was closed.');
}
