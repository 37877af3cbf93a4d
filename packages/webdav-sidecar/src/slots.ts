import { limits } from '@rstream/protocol';
import { Failure } from './failure.ts';

/** Kinds of work that only a few requests may do at once. */
export type SlotKind = 'scans' | 'archives' | 'followers';

/** Counts who does costly work now. */
export class Slots {
  readonly #taken: Record<SlotKind, number> = { scans: 0, archives: 0, followers: 0 };

  /** Runs `work` in a slot. Throws 503 when all are taken. */
  async with<T>(kind: SlotKind, work: () => Promise<T>): Promise<T> {
    if (this.#taken[kind] >= limits.webdav[kind].default)
      throw new Failure(503, 'Too many such requests run now.', { headers: { 'retry-after': '5' } });
    this.#taken[kind] += 1;
    try {
      return await work();
    } finally {
      this.#taken[kind] -= 1;
    }
  }
}
