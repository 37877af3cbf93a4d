import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import { dataFrameHead, decodeMessage, encodeMessage, type DataType, type Message } from '@rstream/protocol/webtty';
import { WRITE_AHEAD_BYTES, type LinkEvents, type MessageLink } from './message-link.ts';

/**
 * What a link needs of a server-side WebSocket; `ws` has it. It must refuse messages over `limits.webtty.messageBytes`
 * (`maxPayload`) and compress none (`perMessageDeflate: false`).
 */
export interface MessageSocket extends Pick<EventEmitter, 'on' | 'once'> {
  readonly bufferedAmount: number;
  send(data: Uint8Array, options: { binary: boolean }): void;
  ping(): void;
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** Codes of RFC 6455 §7.4.1 that end a link. */
const CloseCode = { NORMAL: 1000, PROTOCOL: 1002, UNSUPPORTED: 1003 } as const;
/** Pings that a living peer may leave without an answer: it may be slow, or its network may be changing. */
const MISSED_PINGS = 3;

/** A {@link MessageLink} over a WebSocket, one message in each binary frame. */
export class SocketLink implements MessageLink {
  readonly #socket: MessageSocket;
  readonly #carrier: Duplex;
  readonly #waiting: Message[] = [];
  readonly #pings: NodeJS.Timeout;
  #events: LinkEvents | undefined;
  #gone: { readonly error?: RstreamError } | undefined;
  #isPaused = false;
  #isClosing = false;
  #isClosed = false;
  #closeCode: number = CloseCode.NORMAL;
  #missed = 0;
  #unsent = 0;

  /** @param carrier the stream that the WebSocket runs on; it tells when there is room again */
  constructor(socket: MessageSocket, carrier: Duplex, pingInterval: number = limits.webtty.socketPing.default) {
    this.#socket = socket;
    this.#carrier = carrier;
    socket.on('message', (data: unknown, isBinary: boolean) => this.#receive(data, isBinary));
    socket.on('pong', () => (this.#missed = 0));
    socket.on('error', (cause: Error) => this.#leave(toRstreamError(cause, 'ERR_RSTREAM_WEBTTY_PROTOCOL')));
    socket.once('close', () => this.#onClose());
    this.#pings = setInterval(() => this.#ping(), pingInterval);
    this.#pings.unref();
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  get isIdle(): boolean {
    return this.#isClosed || this.#socket.bufferedAmount === 0;
  }

  listen(events: LinkEvents): void {
    this.#events = events;
    for (const message of this.#waiting.splice(0)) this.#events.onMessage(message);
    if (this.#gone !== undefined) events.onGone(this.#gone.error);
    else this.resume();
  }

  hold(): void {
    this.#events = undefined;
    this.pause();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  send(message: Exclude<Message, { kind: 'unknown' }>): void {
    if (this.#isWritable) this.#socket.send(encodeMessage(message), { binary: true });
  }

  sendData(type: DataType, payload: Uint8Array): boolean {
    if (!this.#isWritable) return true;
    const head = dataFrameHead(type, payload.byteLength).subarray(4);
    this.#socket.send(Buffer.concat([head, payload]), { binary: true });
    return this.#socket.bufferedAmount < WRITE_AHEAD_BYTES;
  }

  onDrain(listener: () => void): void {
    this.#carrier.on('drain', listener);
  }

  /** Published clients take code 1000, `finished`, for the end of a session that went well. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    this.#events = undefined;
    this.#waiting.length = 0;
    if (!this.#isClosed) {
      // The peer's own close frame has to be read.
      this.resume();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#socket.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        this.#socket.close(this.#closeCode, this.#closeCode === CloseCode.NORMAL ? 'finished' : 'protocol error');
      });
    }
    this.#socket.terminate();
  }

  get #isWritable(): boolean {
    return !this.#isClosing && !this.#isClosed && this.#carrier.writable;
  }

  #receive(data: unknown, isBinary: boolean): void {
    this.#missed = 0;
    if (this.#isClosing || this.#gone !== undefined) return;
    try {
      const message = decodeMessage(bytesOf(data, isBinary));
      if (this.#events === undefined) this.#waiting.push(message);
      else this.#events.onMessage(message);
    } catch (error) {
      this.#closeCode = isBinary ? CloseCode.PROTOCOL : CloseCode.UNSUPPORTED;
      this.#leave(toRstreamError(error, 'ERR_RSTREAM_WEBTTY_PROTOCOL'));
    }
  }

  /** A peer that neither answers nor takes anything is gone, although its connection says nothing. One that we do not read cannot answer. */
  #ping(): void {
    const { bufferedAmount } = this.#socket;
    const isMoving = this.#isPaused || bufferedAmount < this.#unsent;
    this.#unsent = bufferedAmount;
    this.#missed = isMoving ? 0 : this.#missed + 1;
    if (this.#missed > MISSED_PINGS) this.#socket.terminate();
    else if (this.#isWritable) this.#socket.ping();
  }

  #onClose(): void {
    this.#isClosed = true;
    clearInterval(this.#pings);
    this.#leave();
  }

  #leave(error?: RstreamError): void {
    if (this.#gone !== undefined) return;
    this.#gone = error === undefined ? {} : { error };
    this.#events?.onGone(error);
  }
}

function bytesOf(data: unknown, isBinary: boolean): Uint8Array {
  if (!isBinary) throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The peer sent a text frame; WebTTY messages are binary.');
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The WebSocket gave a message in pieces.');
}
