import type { Duplex } from 'node:stream';
import { RstreamError, limits } from '@rstream/protocol';
import type { MuxOptions, MuxStream, Session } from './contract.ts';
import { FloodGuard, type FloodKind } from './flood-guard.ts';
import { frameFlag, frameKind, frameType, goAwayCode, maxUint32 } from './frame.ts';
import { keepAlive } from './keepalive.ts';
import { linkOver, type Link, type LinkEvents } from './link.ts';
import { draining, goAwayCodeOf, peerGoAway, protocolError, sessionLost, streamErrorFrom } from './mux-error.ts';
import { FrameParser, type FrameSink } from './parser.ts';
import { Pings } from './pings.ts';
import { SessionMemory } from './session-memory.ts';
import { Sender, type SenderOwner } from './sender.ts';
import { YamuxStream, type StreamOwner } from './stream.ts';

/**
 * Starts a yamux session on a carrier, which then belongs to the session.
 * @throws TypeError when an option is out of range
 */
export function createSession(carrier: Duplex, options: MuxOptions): Session {
  return new YamuxSession((events) => linkOver(carrier, events), options);
}

const windowKind = frameKind(frameType.window, frameFlag.none);
const openKind = frameKind(frameType.window, frameFlag.syn);
const acceptKind = frameKind(frameType.window, frameFlag.ack);
const resetKind = frameKind(frameType.window, frameFlag.rst);
const pingKind = frameKind(frameType.ping, frameFlag.syn);
const pongKind = frameKind(frameType.ping, frameFlag.ack);
const goAwayKind = frameKind(frameType.goAway, frameFlag.none);
const knownFlags = frameFlag.syn | frameFlag.ack | frameFlag.fin | frameFlag.rst;

/** A yamux session: reads frames from its link, keeps the streams, and lets the sender give them turns. */
export class YamuxSession implements Session {
  readonly role: 'client' | 'server';
  readonly closed: Promise<RstreamError | undefined>;
  bytesRead = 0;
  lastActivity = performance.now();

  readonly #options: MuxOptions;
  readonly #maxStreams: number;
  readonly #acceptBacklog: number;
  readonly #link: Link;
  readonly #sender: Sender;
  readonly #parser: FrameParser;
  readonly #pings: Pings;
  readonly #flood: FloodGuard;
  readonly #owner: StreamOwner;
  readonly #streams = new Map<number, YamuxStream>();
  /** Opened here, not yet announced because too many wait for their acknowledgement. */
  readonly #held = new Set<YamuxStream>();
  readonly #settleClosed: (error: RstreamError | undefined) => void;
  readonly #stopKeepalive: () => void;
  #unacknowledged = 0;
  #nextId: number;
  #bodyStream: YamuxStream | undefined;
  #bodyFlags = 0;
  #isClosed = false;
  #closeReason: RstreamError | undefined;
  #saidGoAway = false;
  #heardGoAway = false;

  constructor(openLink: (events: LinkEvents) => Link, options: MuxOptions) {
    this.role = options.role;
    this.#options = options;
    this.#nextId = options.role === 'client' ? 1 : 2;
    this.#maxStreams = options.maxStreams ?? limits.mux.maxStreams.default;
    this.#acceptBacklog = options.acceptBacklog ?? limits.mux.acceptBacklog.default;
    const { promise, resolve } = Promise.withResolvers<RstreamError | undefined>();
    this.closed = promise;
    this.#settleClosed = resolve;
    this.#parser = new FrameParser(this.#frames());
    this.#pings = new Pings((opaque) => this.#sender.control(pingKind, 0, opaque));
    this.#flood = new FloodGuard(this.lastActivity);
    this.#owner = this.#streamOwner();
    this.#link = openLink(this.#linkEvents());
    this.#sender = new Sender(this.#link, this.#senderOwner());
    this.#stopKeepalive = this.#startKeepalive();
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  get rtt(): number | undefined {
    return this.#pings.rtt;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isDraining(): boolean {
    return this.#saidGoAway || this.#heardGoAway;
  }

  get bytesWritten(): number {
    return this.#sender.bytesWritten;
  }

  open(): MuxStream {
    if (this.#isClosed) throw streamErrorFrom(undefined);
    if (this.isDraining) throw draining();
    if (this.#streams.size >= this.#maxStreams || this.#nextId > maxUint32) {
      throw new RstreamError('CAPACITY_EXHAUSTED', `The session has reached its limit of ${this.#maxStreams} streams.`);
    }
    const stream = this.#add(this.#nextId);
    this.#nextId += 2;
    if (this.#unacknowledged < this.#acceptBacklog) this.#announce(stream);
    else this.#held.add(stream);
    return stream;
  }

  async ping(signal?: AbortSignal): Promise<number> {
    if (this.#isClosed) throw streamErrorFrom(this.#closeReason);
    return await this.#pings.ping(signal ?? AbortSignal.timeout(limits.mux.pingTimeout.default));
  }

  goAway(): void {
    if (this.#isClosed || this.#saidGoAway) return;
    this.#saidGoAway = true;
    this.#sender.control(goAwayKind, 0, goAwayCode.normal);
  }

  close(error?: RstreamError): void {
    if (this.#isClosed) return;
    if (!this.#saidGoAway || error !== undefined) this.#sender.control(goAwayKind, 0, goAwayCodeOf(error));
    this.#end(error, streamErrorFrom);
    this.#sender.stop({ flush: true });
    this.#link.close();
  }

  /** Ends the streams, the timers and the pings; what becomes of the link is the caller's choice. */
  #end(reason: RstreamError | undefined, streamError: (reason: RstreamError | undefined) => RstreamError): void {
    this.#isClosed = true;
    this.#closeReason = reason;
    this.#parser.stop();
    this.#stopKeepalive();
    this.#pings.close(() => streamError(reason));
    this.#held.clear();
    for (const stream of this.#streams.values()) stream.abandon(streamError(reason));
  }

  /** The link is of no more use. */
  #lose(reason: RstreamError | undefined): void {
    if (this.#isClosed) return;
    this.#end(reason, (reason) => (reason === undefined ? sessionLost('The session ended.') : streamErrorFrom(reason)));
    this.#sender.stop({ flush: false });
    this.#link.destroy();
  }

  #startKeepalive(): () => void {
    const interval = this.#options.keepaliveInterval ?? limits.mux.keepaliveInterval.default;
    const timeout = this.#options.keepaliveTimeout ?? limits.mux.keepaliveTimeout.default;
    if (interval === 0) return () => {};
    const target = {
      lastActivity: () => this.lastActivity,
      probe: () => this.#pings.probe(performance.now()),
      onDead: () => this.#lose(sessionLost(`The peer did not answer for ${interval + timeout} ms.`)),
    };
    return keepAlive(target, { interval, timeout });
  }

  // --- the link --------------------------------------------------------------------------------------------------------------

  #linkEvents(): LinkEvents {
    return {
      onData: (chunk) => {
        this.bytesRead += chunk.length;
        this.lastActivity = performance.now();
        if (!this.#isClosed) this.#parser.push(chunk);
      },
      onDrain: () => this.#sender.flush(),
      onEnd: (error) => this.#lose(this.#endReason(error)),
      onClosed: () => {
        this.#sender.abandon(() => sessionLost('The connection was lost before this was sent.', this.#closeReason));
        this.#settleClosed(this.#closeReason);
      },
    };
  }

  #endReason(error: Error | undefined): RstreamError | undefined {
    if (error !== undefined) return sessionLost('The connection under the session failed.', error);
    if (this.#streams.size > 0 || !this.#parser.atBoundary) return sessionLost('The peer ended the connection in the middle of work.');
    return undefined;
  }

  // --- frames ----------------------------------------------------------------------------------------------------------------

  #frames(): FrameSink {
    return {
      onHeader: (version, kind, id, length) => {
        if (version !== 0) this.#violation(`A frame has version ${version}, not 0.`);
        else this.#onFrame(kind >>> 16, kind & 0xffff, { id, length });
      },
      onBody: (part) => this.#bodyStream?.receive(part),
      onBodyEnd: () => {
        const stream = this.#bodyStream;
        this.#bodyStream = undefined;
        if (stream !== undefined) this.#onEndFlags(stream, this.#bodyFlags);
      },
    };
  }

  #onFrame(type: number, flags: number, frame: { id: number; length: number }): void {
    if ((flags & ~knownFlags) !== 0) return this.#violation(`A frame has unknown flags ${flags}.`);
    switch (type) {
      case frameType.data:
      case frameType.window:
        return this.#onStreamFrame(type, flags, frame);
      case frameType.ping:
        return this.#onPing(flags, frame);
      case frameType.goAway:
        return this.#onGoAway(frame);
      default:
        return this.#violation(`A frame has unknown type ${type}.`);
    }
  }

  #onStreamFrame(type: number, flags: number, { id, length }: { id: number; length: number }): void {
    if (id === 0) return this.#violation('A stream frame names stream 0.');
    if (length === 0 && flags === 0 && !this.#tolerates('empty')) return;
    if ((flags & frameFlag.syn) !== 0 && !this.#onOpen(id)) return;
    const stream = this.#streams.get(id);
    // Frames may still be under way for a stream that was reset or refused here: yamux lets them pass.
    if (stream === undefined) return;
    if ((flags & frameFlag.ack) !== 0) this.#onAcknowledged(stream);
    if (type === frameType.data) {
      if (!stream.admit(length)) return this.#violation(`Stream ${id} was sent more than its window.`);
      this.#bodyStream = stream;
      this.#bodyFlags = flags;
      return;
    }
    const error = length > 0 ? stream.receiveCredit(length) : undefined;
    if (error !== undefined) return this.close(error);
    this.#onEndFlags(stream, flags);
  }

  /** False when the session ended over it. */
  #onOpen(id: number): boolean {
    const isPeers = id % 2 === (this.role === 'client' ? 0 : 1);
    if (!isPeers) this.#violation(`The peer opened stream ${id}, whose number is not the peer's to give.`);
    else if (this.#streams.has(id)) this.#violation(`The peer opened stream ${id} twice.`);
    else if (this.#saidGoAway || this.#options.onStream === undefined || this.#streams.size >= this.#maxStreams) this.#refuse(id);
    else this.#accept(id, this.#options.onStream);
    return !this.#isClosed;
  }

  #refuse(id: number): void {
    if (this.#tolerates('resets')) this.#sender.control(resetKind, id, 0);
  }

  #accept(id: number, onStream: (stream: MuxStream) => void): void {
    const stream = this.#add(id);
    stream.announced = true;
    stream.acknowledged = true;
    this.#sender.control(acceptKind, id, stream.announceWindow());
    try {
      onStream(stream);
    } catch (error) {
      stream.destroy(error instanceof Error ? error : undefined);
    }
  }

  #onEndFlags(stream: YamuxStream, flags: number): void {
    if ((flags & frameFlag.rst) !== 0) {
      if (this.#tolerates('resets')) stream.receiveReset();
    } else if ((flags & frameFlag.fin) !== 0) stream.receiveFin();
  }

  #onPing(flags: number, { id, length }: { id: number; length: number }): void {
    if (id !== 0) return this.#violation('A ping names a stream.');
    if ((flags & frameFlag.ack) !== 0) this.#pings.answered(length);
    else if (this.#tolerates('pings')) this.#sender.control(pongKind, 0, length);
  }

  #onGoAway({ id, length }: { id: number; length: number }): void {
    if (id !== 0) return this.#violation('A go-away names a stream.');
    this.#heardGoAway = true;
    if (length !== goAwayCode.normal) this.close(peerGoAway(length));
    else for (const stream of this.#held) stream.destroy(draining());
  }

  #tolerates(kind: FloodKind): boolean {
    if (this.#flood.allows(kind, this.lastActivity)) return true;
    this.#violation(`The peer floods this session (${kind}).`);
    return false;
  }

  #violation(message: string): void {
    this.close(protocolError(message));
  }

  #senderOwner(): SenderOwner {
    const streams = this.#streams;
    return {
      get streamCount() {
        return streams.size;
      },
      onOverflow: () => this.#violation('The peer does not read, and too many answers wait for it.'),
    };
  }

  // --- streams ---------------------------------------------------------------------------------------------------------------

  #streamOwner(): StreamOwner {
    const memory = new SessionMemory(this.#options);
    return {
      session: this,
      initialWindow: memory.initialWindow,
      maxWindow: memory.maxWindow,
      reserve: (bytes) => memory.reserve(bytes),
      release: (bytes) => memory.release(bytes),
      forget: (stream) => this.#forget(stream),
      tuningRtt: () => this.#pings.lowestRtt(performance.now()),
      now: () => performance.now(),
      enqueue: (stream) => this.#sender.enqueue(stream),
      sendCredit: (stream, delta) => this.#sender.control(windowKind, stream.id, delta),
      sendReset: (stream) => this.#sender.control(resetKind, stream.id, 0),
    };
  }

  #add(id: number): YamuxStream {
    const stream = new YamuxStream(this.#owner, id);
    this.#streams.set(id, stream);
    // So that the first window that fills can already be tuned.
    this.#pings.lowestRtt(performance.now());
    return stream;
  }

  #announce(stream: YamuxStream): void {
    this.#unacknowledged += 1;
    stream.announced = true;
    this.#sender.control(openKind, stream.id, stream.announceWindow());
    if (stream.canSend) this.#sender.enqueue(stream);
  }

  #onAcknowledged(stream: YamuxStream): void {
    if (stream.acknowledged) return;
    stream.acknowledged = true;
    this.#unacknowledged -= 1;
    this.#announceHeld();
  }

  #announceHeld(): void {
    for (const stream of this.#held) {
      if (this.#unacknowledged >= this.#acceptBacklog || this.#isClosed) return;
      this.#held.delete(stream);
      this.#announce(stream);
    }
  }

  #forget(stream: YamuxStream): void {
    this.#streams.delete(stream.id);
    if (stream === this.#bodyStream) this.#bodyStream = undefined;
    if (!stream.announced) this.#held.delete(stream);
    else this.#onAcknowledged(stream);
  }
}
