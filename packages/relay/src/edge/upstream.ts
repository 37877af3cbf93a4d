import { readAnswer, sendOpenHeader, type MuxStream } from '@rstream/tunnel-core';
import { RstreamError, toRstreamError, wireErrors } from '@rstream/protocol';
import type { EffectiveLimits } from '../limits.ts';
import type { Grant } from '../ports.ts';
import type { TunnelEntry } from '../registry.ts';
import type { Passage } from './gate.ts';
import { ResponseTracker, type Exchange } from './response.ts';

/** How the stream to a service ended, seen from the requests that it carried. */
export type UpstreamEnd =
  /** Nothing was waiting. `mayReuse` is false when the end was also the end of the last response. */
  | { readonly kind: 'idle'; readonly mayReuse: boolean; readonly status: number }
  /** No byte of an answer came for the oldest request. `isFresh` is false when the stream had answered others before. */
  | { readonly kind: 'unanswered'; readonly error: RstreamError; readonly isFresh: boolean }
  /** A response broke off. */
  | { readonly kind: 'truncated' };

/** What the connection of the client is told. */
export interface UpstreamEvents {
  onUpstreamData(chunk: Buffer): void;
  /** Every request so far has its whole answer. */
  onAnswered(): void;
  /** A 101 was passed on: both directions are raw now. */
  onSwitched(): void;
  onUpstreamDrain(): void;
  /** The service ended its direction of a raw connection. */
  onRawEnd(): void;
  /** Called once. */
  onUpstreamGone(end: UpstreamEnd): void;
}

export interface UpstreamOptions {
  readonly tunnel: TunnelEntry;
  readonly streamId: string;
  readonly clientIp: string;
  readonly grant: Grant | undefined;
  readonly limits: EffectiveLimits;
  readonly events: UpstreamEvents;
}

/** One mux stream to a service, with the requests on it that wait for their answers. */
export class Upstream {
  readonly tunnel: TunnelEntry;
  /** Requests without a whole answer, oldest first. */
  readonly waiting: Exchange[] = [];
  readonly tracker: ResponseTracker;
  readonly #credentialId: string | undefined;
  readonly #clientIp: string;
  readonly #stream: MuxStream;
  readonly #events: UpstreamEvents;
  #isFresh = true;
  #isOver = false;

  /** Opens the stream. @throws RstreamError when the device's session cannot take another stream */
  constructor(options: UpstreamOptions) {
    const { tunnel, grant, limits } = options;
    if (tunnel.streams >= limits.streamsPerTunnel) {
      throw new RstreamError('CAPACITY_EXHAUSTED', `This tunnel carries ${tunnel.streams} connections, its limit.`);
    }
    this.tunnel = tunnel;
    this.#credentialId = grant?.credentialId;
    this.#clientIp = options.clientIp;
    this.tracker = new ResponseTracker(limits);
    this.#events = options.events;
    this.#stream = tunnel.holder.openStream();
    tunnel.streams += 1;
    this.#stream.on('close', this.#onClose);
    this.#stream.on('error', ignore);
    this.#stream.on('drain', this.#onDrain);
    sendOpenHeader(this.#stream, {
      kind: 'tunnel',
      tunnel_id: tunnel.id,
      stream_id: options.streamId,
      via: 'edge',
      source_ip: options.clientIp,
      ...(grant === undefined ? {} : { user_id: grant.userId, credential_id: grant.credentialId }),
    });
    readAnswer(this.#stream, { timeout: limits.openTimeout }).then(this.#onAccepted, this.#onRefused);
  }

  /**
   * Whether the header of this stream is true of such a request, too. The device goes by it: what a stream carries is always of one
   * credential. The address is a note for its log, except where the request takes the stream over.
   */
  serves({ tunnel, grant, visitor, head }: Passage): boolean {
    const isSameCaller = this.tunnel === tunnel && this.#credentialId === grant?.credentialId;
    return isSameCaller && (head.upgrade === undefined || this.#clientIp === visitor.clientIp);
  }

  /** Sends a request head. Returns false when the stream wants a pause. */
  send(exchange: Exchange, head: Buffer): boolean {
    this.waiting.push(exchange);
    return this.#stream.write(head);
  }

  write(chunk: Buffer): boolean {
    return this.#stream.write(chunk);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Ends the direction to the service. */
  end(): void {
    this.#stream.end();
  }

  /** Lets go of the stream: an orderly end when nothing is under way, a reset otherwise. No event follows. */
  release(): void {
    this.#isOver = true;
    if (this.waiting.length === 0 && !this.tracker.switched) this.#stream.end().resume();
    else this.#stream.destroy();
  }

  /** Resets the stream at once. No event follows. */
  abort(): void {
    this.#isOver = true;
    this.#stream.destroy();
  }

  readonly #onAccepted = (): void => {
    if (this.#stream.destroyed) return;
    this.#stream.on('data', this.#onData);
    this.#stream.on('end', this.#onEnd);
    this.#stream.resume();
  };

  readonly #onRefused = (reason: unknown): void => {
    this.#finish({ kind: 'unanswered', error: serviceError(reason), isFresh: true });
    this.#stream.destroy();
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    if (this.tracker.switched) return this.#events.onUpstreamData(chunk);
    const before = this.waiting.length;
    try {
      this.tracker.scan(chunk, this.waiting);
    } catch (error) {
      return this.#onNonsense(before, error);
    }
    this.#isFresh = false;
    this.#events.onUpstreamData(chunk);
    if (this.tracker.switched) this.#events.onSwitched();
    else if (this.waiting.length === 0) this.#events.onAnswered();
  };

  /** Bytes that answer nothing are dropped together with the stream; nonsense instead of an answer reads as no answer. */
  #onNonsense(before: number, reason: unknown): void {
    const error = toRstreamError(reason, 'INVALID_STREAM');
    if (before === 0) this.#finish({ kind: 'idle', mayReuse: true, status: 0 });
    else if (this.#isFresh && this.tracker.atBoundary) this.#finish({ kind: 'unanswered', error, isFresh: true });
    else this.#finish({ kind: 'truncated' });
    this.#stream.destroy();
  }

  readonly #onEnd = (): void => {
    if (this.#isOver) return;
    if (this.tracker.switched) return this.#events.onRawEnd();
    if (this.tracker.endsWithStream) this.waiting.shift();
    this.#finish(this.#endNow(new RstreamError('UPSTREAM_UNREACHABLE', 'The service closed the connection without an answer.')));
    this.#stream.end();
  };

  readonly #onClose = (): void => {
    this.tunnel.streams -= 1;
    if (this.#isOver) return;
    const lost = this.tracker.endsWithStream || this.tracker.switched;
    this.#finish(lost ? { kind: 'truncated' } : this.#endNow(serviceError(this.#stream.errored)));
  };

  readonly #onDrain = (): void => {
    if (!this.#isOver) this.#events.onUpstreamDrain();
  };

  #endNow(error: RstreamError): UpstreamEnd {
    if (this.waiting.length === 0) return { kind: 'idle', mayReuse: !this.tracker.closing, status: this.tracker.status };
    return this.tracker.atBoundary ? { kind: 'unanswered', error, isFresh: this.#isFresh } : { kind: 'truncated' };
  }

  #finish(end: UpstreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onUpstreamGone(end);
  }
}

const ignore = (): void => {};

/** What a visitor is told: codes of the wire as they are, everything local to this process in the words of the wire. */
function serviceError(reason: unknown): RstreamError {
  const error = toRstreamError(reason ?? new RstreamError('SESSION_LOST'), 'SESSION_LOST');
  if (error.code === 'ERR_RSTREAM_TIMEOUT')
    return new RstreamError('UPSTREAM_TIMEOUT', 'The device did not accept the connection in time.');
  if (error.code === 'ERR_RSTREAM_SESSION_CLOSED') return new RstreamError('SESSION_LOST', undefined, { cause: error });
  if (error.code in wireErrors) return error;
  return new RstreamError('UPSTREAM_UNREACHABLE', 'The service reset the connection.', { cause: error });
}
