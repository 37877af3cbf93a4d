import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { carrierLimits } from '@rstream/protocol/limits';
import type { Tunnel } from '@rstream/protocol/tunnel';
import type { TunnelOpenHeader } from '@rstream/protocol/wire';
import { acceptStream, refuseStream } from '../wire/open.ts';

/**
 * Takes one incoming stream. Calls `accept` (then the stream carries raw bytes both ways) or `refuse` (the far end gets the
 * reason), now or later. Owns the stream from the call on. A throw refuses.
 */
export type StreamHandler = (stream: Duplex, header: TunnelOpenHeader, accept: () => void, refuse: (error: RstreamError) => void) => void;

/** What a listening tunnel needs from its session. */
export interface TunnelOwner {
  /** Tells the relay, and resolves when it has answered. */
  closeTunnel(id: string): Promise<void>;
}

interface Offer {
  readonly stream: Duplex;
  readonly header: TunnelOpenHeader;
}

/** A tunnel that this process holds open at the relay. Lives as long as its session, or until `close`. */
export class ListeningTunnel {
  /** The tunnel as the relay opened it. */
  readonly tunnel: Tunnel;
  /** What users see: `https://host`, `rstrm://name`. */
  readonly forwarding: string;
  /** Settles when no more streams come: undefined after `close`, else why (`TUNNEL_REPLACED`, `SESSION_LOST`, …). Never rejects. */
  readonly closed: Promise<RstreamError | undefined>;
  readonly #owner: TunnelOwner;
  readonly #waiting: Offer[] = [];
  #handler: StreamHandler | undefined;
  #settle: ((error: RstreamError | undefined) => void) | undefined;

  constructor(tunnel: Tunnel, forwarding: string, owner: TunnelOwner) {
    const { promise, resolve } = Promise.withResolvers<RstreamError | undefined>();
    this.tunnel = tunnel;
    this.forwarding = forwarding;
    this.closed = promise;
    this.#settle = resolve;
    this.#owner = owner;
  }

  /** Sets the handler; streams that came before it are given to it at once. At most `carrier.acceptBacklog` wait. */
  onStream(handler: StreamHandler): void {
    this.#handler = handler;
    for (const { stream, header } of this.#waiting.splice(0)) this.offer(stream, header);
  }

  /** Gives the tunnel back, and resolves when the relay has answered. Streams that run go on. Never rejects. */
  async close(): Promise<void> {
    if (this.#settle === undefined) return;
    this.end(undefined);
    await this.#owner.closeTunnel(this.tunnel.id);
  }

  /** @internal One incoming stream, its header already read. */
  offer(stream: Duplex, header: TunnelOpenHeader): void {
    if (this.#handler !== undefined) return handle(this.#handler, stream, header);
    if (this.#waiting.length >= carrierLimits.acceptBacklog.default) {
      refuseStream(stream, new RstreamError('CAPACITY_EXHAUSTED', 'Too many streams wait for this tunnel to take them.'));
      return;
    }
    this.#waiting.push({ stream, header });
  }

  /** @internal The tunnel is gone. */
  end(error: RstreamError | undefined): void {
    this.#settle?.(error);
    this.#settle = undefined;
    for (const { stream } of this.#waiting.splice(0)) refuseStream(stream, error ?? new RstreamError('TUNNEL_CLOSED'));
  }
}

/** Hands a stream over so that it is answered once: a refusal after the acceptance can only cut it. */
function handle(handler: StreamHandler, stream: Duplex, header: TunnelOpenHeader): void {
  let answered = false;
  const accept = (): void => {
    if (answered || stream.destroyed) return;
    answered = true;
    acceptStream(stream);
  };
  const refuse = (error: RstreamError): void => {
    if (answered) stream.destroy(error);
    else refuseStream(stream, error);
    answered = true;
  };
  stream.on('error', () => {});
  try {
    handler(stream, header, accept, refuse);
  } catch (cause) {
    refuse(new RstreamError('INTERNAL', 'The handler of this tunnel failed.', { cause }));
  }
}
