import type { Passage } from './gate.ts';
import type { Exchange } from './response.ts';

/** An accepted head, and what was decided about it. */
export interface Remembered {
  readonly bytes: Buffer;
  readonly passage: Passage;
  readonly exchange: Exchange;
}

/** Larger heads are not remembered: an idle connection should cost little. */
const MAX_BYTES = 4_096;

/**
 * The last accepted head of a connection. Clients that keep a connection mostly repeat themselves byte for byte; such a request needs
 * no parsing, no verdict and no rewriting as long as everything that the verdict rested on still stands.
 */
export class HeadMemo {
  #last: Remembered | undefined;

  remember(last: Remembered): void {
    // A copy: the slice would keep its whole read buffer alive.
    this.#last = last.bytes.length > MAX_BYTES ? undefined : { ...last, bytes: Buffer.from(last.bytes) };
  }

  /** Revocation and drain take a verdict back. */
  forget(): void {
    this.#last = undefined;
  }

  /** What was decided about the head that `chunk` repeats from `at` on, if it does and it still holds at `now`. */
  match(chunk: Buffer, at: number, now: number): Remembered | undefined {
    const last = this.#last;
    if (last === undefined || !startsWith(chunk, at, last.bytes)) return undefined;
    const { tunnel, grant } = last.passage;
    const holds = tunnel.live && (grant?.expiresAt === undefined || grant.expiresAt > now);
    return holds ? last : undefined;
  }
}

function startsWith(chunk: Buffer, at: number, expected: Buffer): boolean {
  const end = at + expected.length;
  return end <= chunk.length && chunk.compare(expected, 0, expected.length, at, end) === 0;
}
