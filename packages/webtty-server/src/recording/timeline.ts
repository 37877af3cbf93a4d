import { limits } from '@rstream/protocol';
import type { CastEvent } from './cast.ts';
import { StreamRedaction } from './stream-redaction.ts';

/** Streams of a session that carry text. */
export type TextStream = 'stdout' | 'stderr' | 'stdin';

interface Entry extends CastEvent {
  /** Order of arrival. */
  readonly seq: number;
  readonly stream?: TextStream | undefined;
}

/**
 * Queue of what happened in a session, from bytes to settled events in order. Pure: it knows no clock and no disk.
 *
 * With redaction rules, text is held back until it is settled, and what came after it waits, too, so that a player sees the order
 * of things. The wait is bounded: one stream that falls silent does not hold another for more than `recordingBatch` characters;
 * then what it holds comes later than it happened.
 */
export class Timeline {
  readonly #redactions: ReadonlyMap<TextStream, StreamRedaction<Entry>> | undefined;
  #incoming: Entry[] = [];
  /** Settled, and not yet drained. */
  #settled: Entry[] = [];
  #incomingSize = 0;
  /** Size of what is settled or held: it changes only when the timeline is drained. */
  #waitingSize = 0;
  #seq = 0;

  constructor(rules: readonly RegExp[]) {
    const streams: readonly TextStream[] = ['stdout', 'stderr', 'stdin'];
    this.#redactions = rules.length === 0 ? undefined : new Map(streams.map((stream) => [stream, new StreamRedaction<Entry>(rules)]));
  }

  /** Characters that were added and not yet drained; an entry counts, too, so that empty ones cannot pile up. */
  get size(): number {
    return this.#incomingSize + this.#waitingSize;
  }

  /** The part of {@link size} that no {@link drain} has seen. */
  get incoming(): number {
    return this.#incomingSize;
  }

  addText(stream: TextStream, at: number, text: string): void {
    const { recordingEvent, recordingMerge } = limits.webtty;
    const last = this.#incoming.at(-1);
    if (
      last?.stream === stream &&
      at - last.at <= recordingMerge.default * 1_000 &&
      last.data.length + text.length <= recordingEvent.default
    ) {
      this.#incoming[this.#incoming.length - 1] = { ...last, data: last.data + text };
      this.#incomingSize += text.length;
      return;
    }
    for (const data of slices(text, recordingEvent.default)) {
      this.#push({
        at,
        code: stream === 'stdin' ? 'i' : 'o',
        data,
        stderr: stream === 'stderr' ? true : undefined,
        seq: this.#seq++,
        stream,
      });
    }
  }

  /** Resizes, markers and the exit. */
  add(event: CastEvent): void {
    const last = this.#incoming.at(-1);
    // Of sizes that follow each other with nothing between them, the last one counts: a client cannot pile them up.
    if (event.code === 'r' && last?.code === 'r') {
      this.#incoming[this.#incoming.length - 1] = { ...event, seq: last.seq };
      return;
    }
    this.#push({ ...event, seq: this.#seq++ });
  }

  /** Settled events in order, about `recordingBatch` characters of them. `last`: nothing will be added any more. */
  drain(last: boolean): CastEvent[] {
    const batch = this.#nextBatch();
    this.#settle(batch, last && this.idle);
    const barrier = this.#barrier();
    const ready = this.#settled.filter(({ seq }) => seq <= barrier);
    this.#settled = this.#settled.filter(({ seq }) => seq > barrier);
    this.#waitingSize = sizeOf(this.#settled) + sizeOf(this.#held());
    return ready;
  }

  /** True when nothing is left but what redaction holds back. */
  get idle(): boolean {
    return this.#incoming.length === 0;
  }

  #push(entry: Entry): void {
    this.#incoming.push(entry);
    this.#incomingSize += sizeOf([entry]);
  }

  #nextBatch(): Entry[] {
    let size = 0;
    const end = this.#incoming.findIndex((entry) => (size += sizeOf([entry])) > limits.webtty.recordingBatch.default);
    const batch = this.#incoming.splice(0, end === -1 ? this.#incoming.length : Math.max(1, end));
    this.#incomingSize -= sizeOf(batch);
    return batch;
  }

  #settle(batch: readonly Entry[], last: boolean): void {
    if (this.#redactions === undefined) {
      this.#settled.push(...batch);
      return;
    }
    const settled = batch.filter(({ stream }) => stream === undefined);
    for (const [stream, redaction] of this.#redactions) {
      const pieces = batch.filter((entry) => entry.stream === stream);
      if (pieces.length === 0 && !(last && redaction.held.length > 0)) continue;
      settled.push(...redaction.take(pieces, last));
    }
    this.#settled = [...this.#settled, ...settled].sort((a, b) => a.seq - b.seq);
  }

  /** The last entry that may go: what comes after held text waits for it, within the bound. */
  #barrier(): number {
    if (sizeOf(this.#settled) > limits.webtty.recordingBatch.default) return Infinity;
    return this.#held().reduce((first, { seq }) => Math.min(first, seq), Infinity);
  }

  #held(): Entry[] {
    const redactions = this.#redactions === undefined ? [] : [...this.#redactions.values()];
    return redactions.flatMap(({ held }) => held);
  }
}

const entryCost = 64;
const sizeOf = (entries: readonly Entry[]): number => entries.reduce((sum, { data }) => sum + data.length + entryCost, 0);

function* slices(text: string, size: number): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + size);
    // Not between the halves of a surrogate pair.
    if (end < text.length && (text.codePointAt(end - 1) ?? 0) > 0xffff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}
