import { limits, type RstreamError } from '@rstream/protocol';
import { Batch, type Settles } from './batch.ts';
import type { Link } from './link.ts';
import type { YamuxStream } from './stream.ts';
import { Turns } from './turns.ts';

/** What a sender needs of its session. */
export interface SenderOwner {
  readonly streamCount: number;
  /** The peer reads so little that even control frames pile up. */
  onOverflow(): void;
}

/**
 * All that leaves a session: control frames at once, streams by turns of one frame each. What one turn of the event loop produces goes
 * to the link in one gathered write; while the link is blocked, data waits in the streams and only control frames pile up, up to
 * `limits.mux.unsentControl`.
 */
export class Sender {
  bytesWritten = 0;
  readonly #link: Link;
  readonly #owner: SenderOwner;
  readonly #batch = new Batch(limits.mux.copiedPayload.default);
  readonly #turns = new Turns();
  readonly #inFlight = new Set<readonly Settles[]>();
  readonly #flushScheduled = (): void => this.flush();
  #isScheduled = false;
  #isStopped = false;
  #hasOverflowed = false;

  constructor(link: Link, owner: SenderOwner) {
    this.#link = link;
    this.#owner = owner;
  }

  control(kind: number, id: number, length: number): void {
    if (this.#isStopped) return;
    this.#batch.control(kind, id, length);
    this.#schedule();
    if (this.#batch.bytes > limits.mux.unsentControl.default) this.#relieve();
  }

  enqueue(stream: YamuxStream): void {
    this.#turns.add(stream);
    this.#schedule();
  }

  /** Hands frames to the link until nothing is left or the link is blocked. */
  flush(): void {
    this.#isScheduled = false;
    while (!this.#isStopped && !this.#link.blocked) {
      this.#fill();
      if (this.#batch.bytes === 0) return;
      this.#submit();
    }
  }

  /** Sends nothing more; with `flush`, after what is in the batch. */
  stop(options: { flush: boolean }): void {
    if (options.flush && this.#batch.bytes > 0) this.#submit();
    this.#isStopped = true;
  }

  /** The link is gone: what it had not sent by now never left. */
  abandon(error: () => RstreamError): void {
    for (const waiting of this.#inFlight) for (const writer of waiting) writer.settle(error());
    this.#inFlight.clear();
  }

  /** Many control frames in one turn of the loop are no fault of a peer that reads them. */
  #relieve(): void {
    if (!this.#link.blocked) this.flush();
    else if (!this.#hasOverflowed) {
      this.#hasOverflowed = true;
      this.#owner.onOverflow();
    }
  }

  // With few streams a write leaves as soon as the code that made it returns. With many, what all sockets that are ready in this turn
  // of the event loop cause leaves in one system call: measured at half the CPU per request with 64 busy streams, and a quarter more
  // with one.
  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    if (this.#owner.streamCount > limits.mux.promptStreams.default) setImmediate(this.#flushScheduled);
    else process.nextTick(this.#flushScheduled);
  }

  #fill(): void {
    while (this.#batch.bytes < limits.mux.batch.default) {
      const stream = this.#turns.next();
      if (stream === undefined) return;
      stream.takeTurn(this.#batch, limits.mux.maxFrame.default);
      if (stream.canSend) this.#turns.add(stream);
    }
  }

  #submit(): void {
    this.bytesWritten += this.#batch.bytes;
    const { buffers, waiting } = this.#batch.take();
    this.#inFlight.add(waiting);
    this.#link.write(buffers, () => {
      this.#inFlight.delete(waiting);
      for (const writer of waiting) writer.settle();
    });
  }
}
