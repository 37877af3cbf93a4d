import type { Duplex } from 'node:stream';
import type { RstreamError } from '@rstream/protocol';

export interface MuxOptions {
  /** The connecting side is the client: it opens streams with odd ids. */
  role: 'client' | 'server';
  /** Receive window of a new stream, bytes; at least the 256 KiB of the wire. Default `limits.mux.initialWindow`. */
  initialWindow?: number;
  /** Largest receive window that tuning may give one stream, bytes. Default `limits.mux.maxWindow`. */
  maxWindow?: number;
  /** Sum of all receive windows of the session above 256 KiB each, bytes. Default `limits.mux.sessionMemory`. */
  sessionMemory?: number;
  /** Streams that may be open at once, both ends together. Default `limits.mux.maxStreams`. */
  maxStreams?: number;
  /** Streams that may wait for the peer's acknowledgement; later ones are opened as it arrives. Default `limits.mux.acceptBacklog`. */
  acceptBacklog?: number;
  /** Silence after which the peer is pinged, ms; 0 turns keepalive off. Default `limits.mux.keepaliveInterval`. */
  keepaliveInterval?: number;
  /** Wait for any sign of life after that ping, ms. Default `limits.mux.keepaliveTimeout`. */
  keepaliveTimeout?: number;
  /** Called, synchronously, with each stream that the peer opens. Without it the peer's streams are reset. */
  onStream?: (stream: MuxStream) => void;
}

/** Many byte streams over one carrier. The one implementation speaks yamux; any other passes the same compliance suite. */
export interface Session {
  readonly role: 'client' | 'server';
  /** Streams that are open in at least one direction. */
  readonly streamCount: number;
  /** Last measured round trip in ms; `undefined` before the first ping. */
  readonly rtt: number | undefined;
  /** Settles when the session and its carrier are gone: `undefined` after a clean end. Never rejects. */
  readonly closed: Promise<RstreamError | undefined>;
  readonly isClosed: boolean;
  /** Either end said go-away: running streams go on, new ones are not opened. */
  readonly isDraining: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** When the last byte arrived, in ms of `performance.now()`. */
  readonly lastActivity: number;
  /**
   * Opens a stream; it may be written to at once.
   * @throws RstreamError `ERR_RSTREAM_SESSION_CLOSED`, `SERVICE_UNAVAILABLE` while draining, `CAPACITY_EXHAUSTED` at `maxStreams`.
   */
  open(): MuxStream;
  /** Round trip in ms. Without a signal the wait is bounded by `limits.mux.pingTimeout`. */
  ping(signal?: AbortSignal): Promise<number>;
  /** Stops opening and accepting streams on both ends; running streams go on. */
  goAway(): void;
  /** Ends everything at once: each open stream gets an error of its own with the code of `error`. */
  close(error?: RstreamError): void;
}

/**
 * One stream of a session: a `Duplex` whose directions end independently. `end()` sends FIN; `destroy()` resets the stream
 * unless both directions had ended. A reset by the peer or the death of the session destroys it with an `RstreamError`; that is an
 * ordinary event, so a stream without an `error` listener does not throw it.
 */
export interface MuxStream extends Duplex {
  readonly id: number;
  readonly session: Session;
  /** Same as `destroy(error)`: the peer sees a reset, this end sees `error`. */
  reset(error?: RstreamError): void;
}
