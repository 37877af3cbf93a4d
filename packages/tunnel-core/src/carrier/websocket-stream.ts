import { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { carrierLimits } from '@rstream/protocol/limits';
import type { WebSocket } from 'ws';

/**
 * Larger messages were measured and are slower: each is allocated, copied and masked as a whole, and read as a whole before its
 * first byte is delivered. A full mux frame is just above this, so that its payload is sent as it is, without joining.
 */
const MESSAGE_BYTES = carrierLimits.websocketMessageOut.default;
const NORMAL_CLOSE = 1000;
const NO_STATUS = 1005;
const UNSUPPORTED_DATA = 1003;

type Done = (error?: Error | null) => void;

/**
 * An open websocket as a stream of bytes. Message borders mean nothing. One batch of writes becomes messages of at most
 * `carrier.websocketMessageOut`; the next batch waits until the socket took the last one, so that small writes join by
 * themselves. A websocket cannot be closed in one direction: ending this side ends both.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false, readableHighWaterMark: MESSAGE_BYTES, writableHighWaterMark: MESSAGE_BYTES });
    this.#socket = socket;
    this.on('error', () => {});
    socket.on('message', (data, isBinary) => {
      if (!isBinary) socket.close(UNSUPPORTED_DATA);
      else if (!this.push(data)) socket.pause();
    });
    // Answered only while the peer reads: answers to a flood of pings must not pile up.
    socket.on('ping', (data) => void (socket.bufferedAmount < MESSAGE_BYTES && socket.pong(data)));
    socket.on('error', (cause) => this.destroy(new RstreamError('SESSION_LOST', `The websocket failed: ${cause.message}.`, { cause })));
    socket.on('close', (code) => this.#onClose(code));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    let batch: Buffer[] = [];
    let size = 0;
    for (const { chunk } of chunks) {
      if (size > 0 && size + chunk.length > MESSAGE_BYTES) {
        this.#send(joined(batch));
        batch = [];
        size = 0;
      }
      batch.push(chunk);
      size += chunk.length;
    }
    this.#send(joined(batch), done);
  }

  override _final(done: Done): void {
    this.#socket.close(NORMAL_CLOSE);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.terminate();
    done(error);
  }

  #send(bytes: Buffer, done?: Done): void {
    if (bytes.length <= MESSAGE_BYTES) return this.#socket.send(bytes, done);
    for (let at = 0; at < bytes.length; at += MESSAGE_BYTES) {
      const last = at + MESSAGE_BYTES >= bytes.length;
      this.#socket.send(bytes.subarray(at, at + MESSAGE_BYTES), last ? done : undefined);
    }
  }

  #onClose(code: number): void {
    if (code === NORMAL_CLOSE || code === NO_STATUS) this.push(null);
    else this.destroy(new RstreamError('SESSION_LOST', `The websocket was closed with code ${code}.`));
  }
}

function joined(batch: Buffer[]): Buffer {
  const [only] = batch;
  return batch.length === 1 && only !== undefined ? only : Buffer.concat(batch);
}
