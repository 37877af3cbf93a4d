import type { Socket } from 'node:net';

export interface VisitorSocketEvents {
  readonly onData: (chunk: Buffer) => void;
  /** The visitor ended his direction. */
  readonly onEnd: () => void;
  readonly onDrain: () => void;
  readonly onClose: () => void;
}

/** Probes of a raw connection that may be silent for days, ms. */
const KEEP_ALIVE_DELAY = 30_000;

/** The socket of a visitor: half-open, errors handled before anything else, and can be given away whole. */
export class VisitorSocket {
  readonly #socket: Socket;
  readonly #events: VisitorSocketEvents;

  constructor(socket: Socket, events: VisitorSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('error', ignore);
    // The end of the visitor's direction must not end ours: an answer may be on its way.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on('data', events.onData).on('end', events.onEnd).on('drain', events.onDrain).on('close', events.onClose);
  }

  /** The visitor does not read what was written. */
  get isStalled(): boolean {
    return this.#socket.writableNeedDrain;
  }

  write(chunk: Buffer): boolean {
    return this.#socket.write(chunk);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends our direction, after some last bytes. */
  end(bytes?: Buffer): void {
    if (bytes === undefined) this.#socket.end();
    else this.#socket.end(bytes);
  }

  /** A raw connection has no deadlines of its own: let the kernel find out when the visitor is gone. */
  keepAlive(): void {
    this.#socket.setKeepAlive(true, KEEP_ALIVE_DELAY);
  }

  /** Lets go of the socket without ending it. */
  giveAway(): Socket {
    const { onData, onEnd, onDrain, onClose } = this.#events;
    return this.#socket.off('data', onData).off('end', onEnd).off('drain', onDrain).off('close', onClose).off('error', ignore);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

const ignore = (): void => {};
