import { usage } from '../option.ts';

const CONTROL_BITS = 0x1f;

/** The key that precedes what is meant for us and not for the device; as in telnet. */
export const DEFAULT_PREFIX_KEY = 'ctrl-]';

/** A key such as `ctrl-]`, and the byte that it sends. */
export interface PrefixKey {
  readonly name: string;
  readonly byte: number;
}

/** Reads a key such as `ctrl-]` or `^p`; undefined for `none`. Throws a usage error for anything else. */
export function parsePrefixKey(text: string = DEFAULT_PREFIX_KEY): PrefixKey | undefined {
  if (text.toLowerCase() === 'none') return undefined;
  const key = /^(?:ctrl-|\^)([a-z[\\\]^_])$/i.exec(text)?.[1];
  if (key === undefined) throw usage(`"${text}" is not a key such as ctrl-] or ^p, nor "none".`);
  return { name: `ctrl-${key.toLowerCase()}`, byte: key.toUpperCase().charCodeAt(0) & CONTROL_BITS };
}

/** A part of what was typed: bytes for the device, or a key that followed the prefix key. */
export type Typed = { readonly send: Uint8Array } | { readonly key: string };

/** Takes what is meant for us out of what is typed, whatever pieces it comes in. The prefix key typed twice is sent once. */
export class PrefixKeyReader {
  readonly #byte: number | undefined;
  #armed = false;

  constructor(prefix: PrefixKey | undefined) {
    this.#byte = prefix?.byte;
  }

  read(chunk: Uint8Array): Typed[] {
    if (this.#byte === undefined) return [{ send: chunk }];
    const parts: Typed[] = [];
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#armed) {
        const byte = chunk[at] ?? 0;
        parts.push(byte === this.#byte ? { send: chunk.subarray(at, at + 1) } : { key: String.fromCharCode(byte) });
        this.#armed = false;
        at += 1;
      }
      const next = chunk.indexOf(this.#byte, at);
      const end = next === -1 ? chunk.byteLength : next;
      if (end > at) parts.push({ send: chunk.subarray(at, end) });
      this.#armed = next !== -1;
      at = next === -1 ? end : next + 1;
    }
    return parts;
  }
}
