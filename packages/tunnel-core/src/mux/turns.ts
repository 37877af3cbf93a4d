import type { YamuxStream } from './stream.ts';

/** Streams that have something to send, in the order of their turns. A linked list through the streams: no allocation per turn. */
export class Turns {
  #head: YamuxStream | undefined;
  #tail: YamuxStream | undefined;

  get isEmpty(): boolean {
    return this.#head === undefined;
  }

  add(stream: YamuxStream): void {
    if (stream.isQueued) return;
    stream.isQueued = true;
    if (this.#tail === undefined) this.#head = stream;
    else this.#tail.nextQueued = stream;
    this.#tail = stream;
  }

  /** The next stream that can still send; those that lost their reason to send while they waited are dropped. */
  next(): YamuxStream | undefined {
    for (;;) {
      const stream = this.#head;
      if (stream === undefined) return undefined;
      this.#head = stream.nextQueued;
      if (this.#head === undefined) this.#tail = undefined;
      stream.nextQueued = undefined;
      stream.isQueued = false;
      if (stream.canSend) return stream;
    }
  }
}
