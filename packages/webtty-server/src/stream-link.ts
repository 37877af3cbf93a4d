import type { Duplex } from 'node:stream';
import { toRstreamError, type RstreamError } from '@rstream/protocol';
import { dataFrameHead, decodeMessage, encodeFrame, FrameDecoder, type DataType, type Message } from '@rstream/protocol/webtty';
import { WRITE_AHEAD_BYTES, type LinkEvents, type MessageLink } from './message-link.ts';

/** A {@link MessageLink} over a Node stream, in the `plain` framing. */
export class StreamLink implements MessageLink {
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

  listen(events: LinkEvents): void {
    this.#events = events;
    for (const message of this.#waiting.splice(0)) this.#events.onMessage(message);
    if (this.#gone !== undefined) events.onGone(this.#gone.error);
    else this.#stream.resume();
  }

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

  /** Head and payload go unjoined. */
  sendData(type: DataType, payload: Uint8Array): boolean {
    if (!this.#stream.writable) return true;
    this.#corkForThisTick();
    this.#stream.write(dataFrameHead(type, payload.byteLength));
    this.#stream.write(payload);
    return this.#stream.writableLength < WRITE_AHEAD_BYTES;
  }

  get isIdle(): boolean {
    return this.#stream.writableLength === 0;
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }

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
