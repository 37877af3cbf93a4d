import { limits } from '@rstream/protocol';
import { findSpans, redacted, type Span } from './redaction.ts';

/** Something that carries text of a stream. */
interface Carrier {
  readonly data: string;
}

/**
 * Redacts a stream whose text comes in pieces, wherever the pieces begin and end. The last `redactionWindow` characters are held
 * back until more text or the end comes, because a match might go on in them. A match that is longer is not promised to be found.
 */
export class StreamRedaction<T extends Carrier> {
  readonly #rules: readonly RegExp[];
  #held: readonly T[] = [];
  /** Text before what is held, for rules that look back. */
  #context = '';

  constructor(rules: readonly RegExp[]) {
    this.#rules = rules;
  }

  /** What waits for more text, oldest first. */
  get held(): readonly T[] {
    return this.#held;
  }

  /** Takes pieces and returns those that are settled; a piece may be split. `last`: no text follows. */
  take(pieces: readonly T[], last: boolean): readonly T[] {
    const all = [...this.#held, ...pieces];
    const text = all.map((piece) => piece.data).join('');
    const offset = this.#context.length;
    const spans = findSpans(this.#rules, this.#context + text, offset).map(({ start, end }) => ({
      start: start - offset,
      end: end - offset,
    }));
    const cut = last ? text.length : settledLength(text, spans);
    const { settled, held } = splitAt(all, spans, cut);
    this.#held = held;
    this.#context = (this.#context + text.slice(0, cut)).slice(-limits.webtty.redactionWindow.default);
    return settled;
  }
}

/** How much of the text cannot be part of a match that more text would reveal. */
function settledLength(text: string, spans: readonly Span[]): number {
  const window = limits.webtty.redactionWindow.default;
  const cut = text.length - window;
  if (cut <= 0) return 0;
  const across = spans.find(({ start, end }) => start < cut && end > cut);
  if (across !== undefined) return across.start === 0 && text.length > 2 * window ? across.end : across.start;
  return isLowSurrogate(text.charCodeAt(cut)) ? cut - 1 : cut;
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** The pieces up to `cut` with their matches replaced, and the rest as it is. A replacement stands in the piece where its match began. */
function splitAt<T extends Carrier>(pieces: readonly T[], spans: readonly Span[], cut: number): { settled: T[]; held: T[] } {
  const settled: T[] = [];
  const held: T[] = [];
  let start = 0;
  let next = 0;
  for (const piece of pieces) {
    const end = start + piece.data.length;
    const stop = Math.min(end, cut);
    let text = '';
    let position = start;
    while (position < stop) {
      while ((spans[next]?.end ?? Infinity) <= position) next += 1;
      const span = spans[next];
      if (span === undefined || span.start >= stop) {
        text += piece.data.slice(position - start, stop - start);
        break;
      }
      if (span.start >= position) text += piece.data.slice(position - start, span.start - start) + redacted;
      position = span.end;
    }
    if (text !== '') settled.push({ ...piece, data: text });
    if (end > cut) held.push(start >= cut ? piece : { ...piece, data: piece.data.slice(cut - start) });
    start = end;
  }
  return { settled, held };
}
