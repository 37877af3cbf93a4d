import { Duplex } from 'node:stream';

/**
 * Two ends of an in-memory connection: what is written to one is read from the other, a turn of the event loop later. Backpressure,
 * half-close and destroy behave as on a socket.
 */
export function linkedPair(): [Duplex, Duplex] {
  const left = new LinkedEnd();
  const right = new LinkedEnd();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class LinkedEnd extends Duplex {
  peer: LinkedEnd | undefined;
  /** A write of the peer that waits until this end is read. */
  #resumeWriter: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    setImmediate(() => this.peer?.receive(chunk, done));
  }

  override _final(done: (error?: Error | null) => void): void {
    setImmediate(() => {
      if (this.peer?.destroyed === false) this.peer.push(null);
      done();
    });
  }

  override _read(): void {
    const resume = this.#resumeWriter;
    this.#resumeWriter = undefined;
    resume?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const endedBoth = this.readableEnded && this.writableFinished;
    this._read();
    if (!endedBoth) setImmediate(() => this.peer?.destroy());
    done(error);
  }

  receive(chunk: Buffer, done: () => void): void {
    if (this.destroyed || this.push(chunk)) done();
    else this.#resumeWriter = done;
  }
}
