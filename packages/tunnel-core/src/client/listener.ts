import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { RstreamError, toRstreamError, type ErrorCode } from '@rstream/protocol';
import { carrierLimits } from '@rstream/protocol/limits';
import type { Tunnel, TunnelProperties } from '@rstream/protocol/tunnel';
import { createBackoff, type RetryOptions } from './backoff.ts';
import type { ListeningTunnel, StreamHandler } from './listening-tunnel.ts';
import type { RelaySession } from './relay-session.ts';

/**
 * `online`: the relay holds the tunnel. `offline`: it will be opened again. `failed`: it cannot be opened. `replaced`: another
 * process of the same credential took the name. The last two are final.
 */
export interface ListenerStatus {
  readonly state: 'online' | 'offline' | 'failed' | 'replaced';
  readonly tunnel?: Tunnel | undefined;
  readonly forwarding?: string | undefined;
  readonly error?: RstreamError | undefined;
}

export interface ListenerEvents {
  status: [status: ListenerStatus];
}

/** Reasons that asking again does not change. */
const finalCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNAUTHORIZED',
  'FORBIDDEN',
  'INVALID_REQUEST',
  'FEATURE_NOT_AVAILABLE',
  'TUNNEL_CLOSED',
  'TUNNEL_REPLACED',
]);

/** A tunnel that is opened again on every new session of its `Connection`, under the same name and host name. */
export class Listener extends EventEmitter<ListenerEvents> {
  /** Settles when the tunnel will not be opened again: undefined after `close`, else why. Never rejects. */
  readonly closed: Promise<RstreamError | undefined>;
  readonly #asked: TunnelProperties;
  readonly #handler: StreamHandler;
  readonly #retry: RetryOptions;
  readonly #settled = Promise.withResolvers<RstreamError | undefined>();
  readonly #stop = new AbortController();
  #status: ListenerStatus = { state: 'offline' };
  #relay: RelaySession | undefined;
  #tunnel: ListeningTunnel | undefined;
  /** Host name that the relay generated: asked for again, so that the public address survives a reconnect. */
  #keptHostname: string | undefined;
  #conflictSince: number | undefined;
  #wasOnline = false;

  /** @internal Use `Connection.listen`. */
  constructor(properties: TunnelProperties, handler: StreamHandler, retry: RetryOptions) {
    super();
    this.#asked = properties;
    this.#handler = handler;
    this.#retry = retry;
    this.closed = this.#settled.promise;
  }

  get status(): ListenerStatus {
    return this.#status;
  }

  /** Gives the tunnel back. Streams that run go on until their session ends. Never rejects. */
  async close(): Promise<void> {
    if (!this.#finish(undefined)) return;
    const tunnel = this.#tunnel;
    this.#tunnel = undefined;
    await tunnel?.close();
  }

  /** @internal A new session: opens the tunnel there, for as long as it lives. */
  attach(relay: RelaySession): void {
    this.#relay = relay;
    this.#hold(relay).catch((error: unknown) => this.fail(toRstreamError(error)));
  }

  /** @internal The session is lost or draining. */
  detach(error: RstreamError): void {
    this.#relay = undefined;
    if (this.#status.state === 'online') this.#report({ state: 'offline', error });
  }

  /** @internal Nothing will come any more. */
  fail(error: RstreamError): void {
    if (this.#finish(error)) this.#report({ state: error.code === 'TUNNEL_REPLACED' ? 'replaced' : 'failed', error });
  }

  async #hold(relay: RelaySession): Promise<void> {
    const backoff = createBackoff(this.#retry);
    while (this.#isCurrent(relay)) {
      const error = await this.#openOnce(relay);
      if (!this.#isCurrent(relay)) return;
      if (this.#isFinal(error)) return this.fail(error);
      this.#report({ state: 'offline', error });
      await sleep(backoff.next(), undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  /** Opens the tunnel and stays until it is closed; the result says why it is not open (any more). */
  async #openOnce(relay: RelaySession): Promise<RstreamError> {
    try {
      const tunnel = await relay.listen(this.#properties(), { signal: this.#stop.signal });
      if (!this.#isCurrent(relay)) await tunnel.close();
      else this.#opened(tunnel);
      return (await tunnel.closed) ?? new RstreamError('TUNNEL_CLOSED');
    } catch (error) {
      return toRstreamError(error, 'SESSION_LOST');
    }
  }

  #opened(tunnel: ListeningTunnel): void {
    this.#tunnel = tunnel;
    this.#conflictSince = undefined;
    this.#wasOnline = true;
    this.#keptHostname = tunnel.tunnel.hostname;
    tunnel.onStream(this.#handler);
    this.#report({ state: 'online', tunnel: tunnel.tunnel, forwarding: tunnel.forwarding });
  }

  #properties(): TunnelProperties {
    if (this.#asked.hostname !== undefined || this.#keptHostname === undefined) return this.#asked;
    return { ...this.#asked, hostname: this.#keptHostname };
  }

  #isFinal(error: RstreamError): boolean {
    if (error.code === 'TUNNEL_REPLACED') return true;
    const refusedHostname = this.#keptHostname !== undefined && this.#asked.hostname === undefined;
    if (error.code === 'TUNNEL_CONFLICT') {
      this.#conflictSince ??= performance.now();
      if (performance.now() - this.#conflictSince < (this.#retry.conflictGrace ?? carrierLimits.conflictGrace.default)) return false;
    } else if (!finalCodes.has(error.code)) {
      return false;
    }
    // A name that was ours is asked for until it is free again: a device must not be lost because it was away for a while.
    const isOurs = error.code === 'TUNNEL_CONFLICT' && this.#wasOnline;
    if (!refusedHostname || error.code === 'TUNNEL_CLOSED') return !isOurs;
    // Perhaps only the kept host name is refused: once more without it.
    this.#keptHostname = undefined;
    return false;
  }

  #isCurrent(relay: RelaySession): boolean {
    return this.#relay === relay && !this.#stop.signal.aborted && !relay.session.isClosed;
  }

  #finish(error: RstreamError | undefined): boolean {
    if (this.#stop.signal.aborted) return false;
    this.#stop.abort();
    this.#settled.resolve(error);
    return true;
  }

  #report(status: ListenerStatus): void {
    this.#status = status;
    this.emit('status', status);
  }
}
