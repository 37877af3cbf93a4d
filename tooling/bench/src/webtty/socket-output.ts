import type { WebSocket } from 'ws';

/** Unread bytes above which the socket is paused. */
const READ_AHEAD_BYTES = 262_144;

/** What a WebSocket brings, as something to iterate over: unread bytes hold the socket back. */
export class SocketOutput implements AsyncIterable<Uint8Array> {
  readonly #socket: WebSocket;
  readonly #consumed: ((bytes: number) => void) | undefined;
  #chunks: Uint8Array[] = [];
  #unread = 0;
  #isOver = false;
  #wake: (() => void) | undefined;

  /** `consumed` hears of what the reader has taken, for a peer that wants to know. */
  constructor(socket: WebSocket, consumed?: (bytes: number) => void) {
    this.#socket = socket;
    this.#consumed = consumed;
    const over = (): void => {
      this.#isOver = true;
      this.#wake?.();
    };
    socket.on('close', over);
    socket.on('error', over);
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#unread += chunk.byteLength;
    if (this.#unread > READ_AHEAD_BYTES) this.#socket.pause();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#unread -= chunk.byteLength;
        if (this.#unread < READ_AHEAD_BYTES / 2 && this.#socket.isPaused) this.#socket.resume();
        yield chunk;
        this.#consumed?.(chunk.byteLength);
      } else if (this.#isOver) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
