import { Duplex } from 'node:stream';
import { RstreamError, limits } from '@rstream/protocol';
import type { Batch, Settles } from './batch.ts';
import type { MuxStream, Session } from './contract.ts';
import { frameFlag, frameKind, frameType, maxUint32, wireWindow } from './frame.ts';
import { Inbox, compact } from './inbox.ts';
import { protocolError } from './mux-error.ts';
import { ReceiveWindow, type WindowBudget } from './receive-window.ts';

type Callback = (error?: Error | null) => void;
interface Piece {
  readonly chunk: Buffer;
}

/** What a stream asks of its session. */
export interface StreamOwner extends WindowBudget {
  readonly session: Session;
  /** The stream has something to send: give it a turn. */
  enqueue(stream: YamuxStream): void;
  sendCredit(stream: YamuxStream, delta: number): void;
  sendReset(stream: YamuxStream): void;
  /** The stream is over in both directions, or reset: forget it. */
  forget(stream: YamuxStream): void;
}

// FIN travels on a window update, never with data: a Go peer may report the end before it delivers the data of the same frame.
const finKind = frameKind(frameType.window, frameFlag.fin);
const nothing: readonly Piece[] = [];
const ignoreError = (): void => {};

/** One yamux stream. The session feeds it frames and gives it turns to send; everything else is the `Duplex` contract. */
export class YamuxStream extends Duplex implements MuxStream, Settles {
  readonly id: number;
  /** True once the peer has been told of this stream. */
  announced = false;
  /** True once the peer has acknowledged this stream, or it was the peer that opened it. */
  acknowledged = false;
  /** Link of the session's round-robin queue. */
  isQueued = false;
  nextQueued: YamuxStream | undefined;

  readonly #owner: StreamOwner;
  readonly #window: ReceiveWindow;
  readonly #inbox = new Inbox();
  #arrived = 0;
  #isWanted = false;
  #remoteEnded = false;
  #endPushed = false;

  #sendWindow = wireWindow;
  #pieces = nothing;
  #pieceIndex = 0;
  #pieceOffset = 0;
  #unsent = 0;
  #done: Callback | undefined;
  #finWanted = false;
  #localEnded = false;
  #isReleased = false;

  constructor(owner: StreamOwner, id: number) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: limits.mux.streamReadBuffer.default,
      writableHighWaterMark: limits.mux.streamSendBuffer.default,
    });
    this.#owner = owner;
    this.#window = new ReceiveWindow(owner);
    this.id = id;
    this.on('error', ignoreError);
  }

  get session(): Session {
    return this.#owner.session;
  }

  reset(error?: RstreamError): void {
    this.destroy(error);
  }

  // --- receiving -------------------------------------------------------------------------------------------------------------

  /** Window to announce above the wire's own, with the frame that opens or acknowledges this stream. */
  announceWindow(): number {
    return this.#window.announce();
  }

  /** Counts the header of a data frame; false when it overruns the window or comes after FIN. */
  admit(length: number): boolean {
    return this.#window.admit(length) && !(this.#remoteEnded && length > 0);
  }

  receive(piece: Buffer): void {
    if (this.#isReleased) return;
    this.#arrived += piece.length;
    if (!this.#isWanted) {
      this.#inbox.add(piece);
      return;
    }
    const passesThrough = this.readableFlowing === true && this.readableLength === 0;
    this.#isWanted = this.push(passesThrough ? piece : compact(piece));
    this.#returnCredit();
  }

  receiveFin(): void {
    if (this.#remoteEnded) return;
    this.#remoteEnded = true;
    this.#window.close();
    this.#pushInbox();
    this.#releaseWhenOver();
  }

  receiveReset(): void {
    this.#release();
    this.destroy(new RstreamError('ERR_RSTREAM_STREAM_RESET'));
  }

  /** The session is over. */
  abandon(error: RstreamError): void {
    this.#release();
    this.destroy(error);
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    if (chunk !== null) this.#returnCredit();
    return chunk;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#pushInbox();
  }

  #pushInbox(): void {
    while (this.#isWanted) {
      const block = this.#inbox.shift();
      if (block === undefined) break;
      this.#isWanted = this.push(block);
    }
    if (this.#remoteEnded && !this.#endPushed && this.#inbox.bytes === 0) {
      this.#endPushed = true;
      this.push(null);
    }
  }

  #returnCredit(): void {
    if (this.#remoteEnded || this.#isReleased) return;
    const delta = this.#window.credit(this.#arrived - this.#inbox.bytes - this.readableLength);
    if (delta > 0) this.#owner.sendCredit(this, delta);
  }

  // --- sending ---------------------------------------------------------------------------------------------------------------

  /** True when a turn would send something. */
  get canSend(): boolean {
    if (!this.announced || this.#isReleased) return false;
    return this.#unsent > 0 ? this.#sendWindow > 0 : this.#finWanted;
  }

  receiveCredit(delta: number): RstreamError | undefined {
    this.#sendWindow += delta;
    if (this.#sendWindow > maxUint32) return protocolError(`Stream ${this.id} was granted more than 32 bits of window.`);
    if (this.canSend) this.#owner.enqueue(this);
    return undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#send([{ chunk }], chunk.length, done);
  }

  override _writev(pieces: Piece[], done: Callback): void {
    let bytes = 0;
    for (const piece of pieces) bytes += piece.chunk.length;
    this.#send(pieces, bytes, done);
  }

  override _final(done: Callback): void {
    this.#finWanted = true;
    this.#done = done;
    if (this.canSend) this.#owner.enqueue(this);
  }

  #send(pieces: readonly Piece[], bytes: number, done: Callback): void {
    if (bytes === 0) {
      done();
      return;
    }
    this.#pieces = pieces;
    this.#pieceIndex = 0;
    this.#pieceOffset = 0;
    this.#unsent = bytes;
    this.#done = done;
    if (this.canSend) this.#owner.enqueue(this);
  }

  /** One turn: one data frame of at most `quantum` bytes, or the FIN behind the data. */
  takeTurn(batch: Batch, quantum: number): void {
    if (this.#unsent === 0) {
      batch.control(finKind, this.id, 0);
      this.#finWanted = false;
      this.#localEnded = true;
      batch.notify(this);
      this.#releaseWhenOver();
      return;
    }
    const bytes = Math.min(this.#unsent, this.#sendWindow, quantum);
    this.#sendWindow -= bytes;
    this.#unsent -= bytes;
    batch.data(this.id, bytes);
    this.#takePieces(batch, bytes);
    if (this.#unsent === 0) {
      this.#pieces = nothing;
      batch.notify(this);
    }
  }

  #takePieces(batch: Batch, bytes: number): void {
    let left = bytes;
    while (left > 0) {
      const chunk = this.#pieces[this.#pieceIndex]?.chunk;
      if (chunk === undefined) return;
      const stop = Math.min(chunk.length, this.#pieceOffset + left);
      left -= stop - this.#pieceOffset;
      batch.payload(this.#pieceOffset === 0 && stop === chunk.length ? chunk : chunk.subarray(this.#pieceOffset, stop));
      this.#pieceOffset = stop;
      if (stop < chunk.length) return;
      this.#pieceIndex += 1;
      this.#pieceOffset = 0;
    }
  }

  /** The write (or FIN) in progress has left for the carrier. */
  settle(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }

  // --- ending ----------------------------------------------------------------------------------------------------------------

  override _destroy(error: Error | null, done: Callback): void {
    if (!this.#isReleased) {
      if (this.announced) this.#owner.sendReset(this);
      this.#release();
    }
    this.#inbox.clear();
    this.#pieces = nothing;
    this.#unsent = 0;
    if (this.#done !== undefined) this.settle(error ?? new RstreamError('ERR_RSTREAM_STREAM_RESET', 'The stream was destroyed.'));
    done(error);
  }

  #releaseWhenOver(): void {
    if (this.#localEnded && this.#remoteEnded) this.#release();
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#window.close();
    this.#owner.forget(this);
  }
}
