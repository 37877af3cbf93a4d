import {
  dataFrameHead,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  FrameDecoder,
  type DataType,
  type Message,
} from '@rstream/protocol/webtty';
import { RstreamError } from '@rstream/protocol';
import type { WebttyTransport } from './transport.ts';

/** WebTTY messages over a transport, in the framing that it has. */
export class MessageStream {
  readonly #transport: WebttyTransport;
  readonly #decoder = new FrameDecoder();
  #bodies: Iterator<Uint8Array, void> = this.#decoder.push(new Uint8Array());
  #understood = false;

  constructor(transport: WebttyTransport) {
    this.#transport = transport;
  }

  /** Next message, or `undefined` after a clean end between two messages. */
  async read(): Promise<Message | undefined> {
    if (this.#isWhole) {
      const encoded = await this.#transport.read();
      return encoded === undefined ? undefined : decodeMessage(encoded);
    }
    for (;;) {
      const body = this.#nextBody();
      if (body !== undefined) return decodeMessage(body);
      const chunk = await this.#transport.read();
      if (chunk === undefined) {
        if (this.#decoder.isIdle) return undefined;
        throw new RstreamError('ERR_RSTREAM_WEBTTY_LOST', 'The connection to the device ended inside a message.');
      }
      this.#bodies = this.#decoder.push(chunk);
    }
  }

  get #isWhole(): boolean {
    return this.#transport.framing === 'messages';
  }

  /** A peer whose very first bytes make no sense is not an old device: it is something else, such as a web server. */
  #nextBody(): Uint8Array | undefined {
    try {
      const body = this.#bodies.next();
      if (body.done === true) return undefined;
      this.#understood = true;
      return body.value;
    } catch (cause) {
      if (this.#understood) throw cause;
      throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The target does not take commands: it does not speak WebTTY.', {
        next: 'Choose a device: rstream webtty list.',
        cause,
      });
    }
  }

  async send(message: Exclude<Message, { kind: 'unknown' }>): Promise<void> {
    await this.#transport.write(this.#isWhole ? encodeMessage(message) : encodeFrame(message));
  }

  /** Sends a data message, in the `plain` framing without joining its head and its payload. */
  async sendData(type: DataType, payload: Uint8Array): Promise<void> {
    if (this.#isWhole) return this.send({ kind: 'data', type, data: payload });
    await Promise.all([this.#transport.write(dataFrameHead(type, payload.byteLength)), this.#transport.write(payload)]);
  }

  close(): void {
    this.#transport.close();
  }
}
