import { limits } from '@rstream/protocol';
import type { MuxOptions } from './contract.ts';
import { wireWindow } from './frame.ts';

/** The receive memory of one session: what its windows may hold above the 256 KiB that the wire gives each stream. */
export class SessionMemory {
  readonly initialWindow: number;
  readonly maxWindow: number;
  #left: number;

  /** @throws RangeError when a window is below the wire's own, or the largest below the initial one */
  constructor(options: Pick<MuxOptions, 'initialWindow' | 'maxWindow' | 'sessionMemory'>) {
    this.initialWindow = options.initialWindow ?? limits.mux.initialWindow.default;
    this.maxWindow = options.maxWindow ?? Math.max(this.initialWindow, limits.mux.maxWindow.default);
    this.#left = options.sessionMemory ?? limits.mux.sessionMemory.default;
    if (this.initialWindow < wireWindow) throw new RangeError(`initialWindow is at least ${wireWindow} bytes.`);
    if (this.maxWindow < this.initialWindow) throw new RangeError('maxWindow is at least initialWindow.');
  }

  /** Takes `bytes`; false when there is not that much left. */
  reserve(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  release(bytes: number): void {
    this.#left += bytes;
  }
}
