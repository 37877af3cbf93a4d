import type { Duplex } from 'node:stream';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import { carrierLimits, relayLimits } from '@rstream/protocol/limits';
import { decodeJson, encodeJson } from './open.ts';

export interface ControlChannelOptions<In> {
  /** Checks one message. May throw (the channel then ends with that error), or return undefined for a message to skip. */
  readonly parse: (value: unknown) => In | undefined;
  /** Called once per message, in order. A throw ends the channel. */
  readonly onMessage: (message: In) => void;
  /** Largest message in bytes, both ways; default `relay.controlMessageBytes`. */
  readonly limit?: number;
}

/**
 * JSON messages both ways over one stream, each behind a 4-byte big-endian length. Starts reading in the next microtask; owns the stream
 * from then on. A peer that sends too large or unreadable messages, or does not read ours, ends the channel with a code.
 */
export class ControlChannel<In, Out> {
  /** Settles once: undefined after a clean end, else why. Never rejects. */
  readonly closed: Promise<RstreamError | undefined>;
  readonly #stream: Duplex;
  readonly #options: ControlChannelOptions<In>;
  readonly #limit: number;
  readonly #settle: (error: RstreamError | undefined) => void;
  #expected = -1;
  #done = false;

  constructor(stream: Duplex, options: ControlChannelOptions<In>) {
    const { promise, resolve } = Promise.withResolvers<RstreamError | undefined>();
    this.closed = promise;
    this.#settle = resolve;
    this.#stream = stream;
    this.#options = options;
    this.#limit = options.limit ?? relayLimits.controlMessageBytes.default;
    stream.on('readable', () => this.#drain());
    stream.on('end', () => this.close());
    stream.on('error', () => this.#onCut());
    stream.on('close', () => this.#onCut());
    // A message may already wait: its handler must not run before the owner holds this channel.
    queueMicrotask(() => (stream.destroyed ? this.#onCut() : this.#drain()));
  }

  /** Queues a message. After the end it is dropped: `closed` has told why. */
  send(message: Out): void {
    if (this.#done) return;
    const frame = encodeJson(message);
    if (frame.length - 4 > this.#limit) throw new RstreamError('INVALID_REQUEST', `A control message is larger than ${this.#limit} bytes.`);
    this.#stream.write(frame);
    if (this.#stream.writableLength > carrierLimits.controlBacklogBytes.default) {
      this.close(new RstreamError('CAPACITY_EXHAUSTED', 'The peer does not read its control messages.'));
    }
  }

  /** Ends the channel: cleanly after what is queued, or at once with an error. */
  close(error?: RstreamError): void {
    if (!this.#finish(error)) return;
    if (error === undefined) this.#stream.end();
    else this.#stream.destroy(error);
    this.#stream.resume();
  }

  /** The last message may say why the stream was cut, so it is delivered first. */
  #onCut(): void {
    this.#drain();
    this.#finish(toRstreamError(this.#stream.errored ?? new RstreamError('SESSION_LOST', 'The control stream was cut.'), 'SESSION_LOST'));
  }

  #finish(error: RstreamError | undefined): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.#settle(error);
    return true;
  }

  #drain(): void {
    try {
      while (!this.#done && this.#takeOne());
    } catch (error) {
      this.close(toRstreamError(error, 'INVALID_STREAM'));
    }
  }

  /** Takes one whole message, if there is one. */
  #takeOne(): boolean {
    if (this.#expected === -1) {
      const head = this.#stream.read(4) as Buffer | null;
      if (head === null || head.length < 4) return false;
      this.#expected = head.readUInt32BE(0);
      if (this.#expected === 0 || this.#expected > this.#limit) {
        throw new RstreamError(
          'INVALID_STREAM',
          `A control message announces ${this.#expected} bytes; at most ${this.#limit} are allowed.`,
        );
      }
    }
    const body = this.#stream.read(this.#expected) as Buffer | null;
    if (body === null || body.length < this.#expected) return false;
    this.#expected = -1;
    const message = this.#options.parse(decodeJson(body));
    if (message !== undefined) this.#options.onMessage(message);
    return true;
  }
}
