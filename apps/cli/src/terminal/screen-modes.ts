/** Private modes that programs switch on, and that a shell would be in trouble with: cursor keys, mouse, other screen, paste. */
const startsOff = new Set([1, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049, 2004]);
/** The visible cursor. */
const startsOn = new Set([25]);
/** Longest piece of a mode sequence that may be cut off at the end of a chunk. */
const CARRIED_CHARACTERS = 40;
// oxlint-disable-next-line no-control-regex -- an escape sequence begins with one
const modeSequence = /\u001B\[\?([\d;]+)([hl])/g;

/** Remembers which modes the output switched, so that a program that could not switch them back leaves no broken terminal. */
export class ScreenModes {
  readonly #changed = new Set<number>();
  #carried = '';

  watch(chunk: Uint8Array): void {
    const text = this.#carried + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    for (const [, numbers = '', action] of text.matchAll(modeSequence)) {
      for (const mode of numbers.split(';').map(Number)) {
        const changed = startsOff.has(mode) ? action === 'h' : startsOn.has(mode) && action === 'l';
        if (changed) this.#changed.add(mode);
        else this.#changed.delete(mode);
      }
    }
    // Read twice, a whole sequence in here changes nothing.
    this.#carried = text.slice(-CARRIED_CHARACTERS);
  }

  /** The sequences that undo what is left; empty when nothing is. */
  undo(): string {
    return [...this.#changed].map((mode) => `\u001B[?${mode}${startsOn.has(mode) ? 'h' : 'l'}`).join('');
  }
}
