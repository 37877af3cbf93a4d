import type { Duplex } from 'node:stream';
import { toRstreamError, type RstreamError } from '@rstream/protocol';
import { dataFrameHead, decodeMessage, encodeFrame, FrameDecoder, type DataType, type Message } from '@rstream/protocol/webtty';

/** Output under way to the peer above which the sources are paused: enough to keep a fast link busy, little to hold. */
const WRITE_AHEAD_BYTES = 262_144;

/** Receives what comes over a {@link MessageLink}. */
export interface LinkEvents {
  onMessage(message: Message): void;
  /** The peer is gone, or sent something that is no message (`error`). Once, and nothing after it. */
  onGone(error?: RstreamError): void;
}

/** WebTTY messages over a Node stream in the `plain` framing. Messages wait until {@link MessageLink.listen} gives them a receiver. */
export class MessageLink {
  readonly #stream: Duplex;
  readonly #decoder = new FrameDecoder();
  readonly #waiting: Message[] = [];
  #events: LinkEvents | undefined;
  #gone: { readonly error?: RstreamError } | undefined;
  #corked = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    stream.once('end', () => this.#leave());
    stream.once('close', () => this.#leave());
    stream.on('error', () => this.#leave());
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  /** Sets the receiver; what waits is delivered at once. */
  listen(events: LinkEvents): void {
    this.#events = events;
    for (const message of this.#waiting.splice(0)) this.#events.onMessage(message);
    if (this.#gone !== undefined) events.onGone(this.#gone.error);
    else this.#stream.resume();
  }

  /** Takes the receiver away: messages wait again, and reading stops. */
  hold(): void {
    this.#events = undefined;
    this.#stream.pause();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  send(message: Exclude<Message, { kind: 'unknown' }>): void {
    if (this.#stream.writable) this.#stream.write(encodeFrame(message));
  }

  /** Sends a data message, head and payload unjoined. False when the sources should pause until `onDrain`. */
  sendData(type: DataType, payload: Uint8Array): boolean {
    if (!this.#stream.writable) return true;
    this.#corkForThisTick();
    this.#stream.write(dataFrameHead(type, payload.byteLength));
    this.#stream.write(payload);
    return this.#stream.writableLength < WRITE_AHEAD_BYTES;
  }

  /** True when nothing waits to be sent. */
  get isIdle(): boolean {
    return this.#stream.writableLength === 0;
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }

  /** Sends what is queued, ends our side, and waits up to `timeoutMs` for the peer to end its side; then cuts. */
  async close(timeoutMs: number): Promise<void> {
    const stream = this.#stream;
    stream.removeAllListeners('data');
    stream.resume();
    if (!stream.closed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        const done = (): void => {
          clearTimeout(timer);
          resolve();
        };
        stream.once('close', done);
        stream.once('error', done);
        stream.end();
      });
    }
    stream.destroy();
  }

  #corkForThisTick(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#stream.uncork();
    });
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const body of this.#decoder.push(chunk)) {
        if (this.#gone !== undefined) return;
        const message = decodeMessage(body);
        if (this.#events === undefined) this.#waiting.push(message);
        else this.#events.onMessage(message);
      }
    } catch (error) {
      this.#leave(toRstreamError(error, 'ERR_RSTREAM_WEBTTY_PROTOCOL'));
    }
  }

  #leave(error?: RstreamError): void {
    if (this.#gone !== undefined) return;
    this.#gone = error === undefined ? {} : { error };
    this.#events?.onGone(error);
  }
}
