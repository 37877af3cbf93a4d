/** Private modes that programs switch on, and that a shell would be in trouble with: cursor keys, mouse, other screen, paste. */
const startsOff = new Set([1, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049, 2004]);
/** The visible cursor. */
const startsOn = new Set([25]);
/** The other screen, on which full-screen programs draw. */
const otherScreen = [47, 1047, 1049];
/** Longest piece of a mode sequence that may be cut off at the end of a chunk. */
const CARRIED_CHARACTERS = 40;
// oxlint-disable-next-line no-control-regex -- an escape sequence begins with one
const modeSequence = /\u001B\[\?([\d;]+)([hl])/g;
/** A control sequence, a string such as a title, or another escape that the text ends within. */
// oxlint-disable-next-line no-control-regex -- an escape sequence begins with one
const openSequence = /\u001B(?:\[[0-?]*[ -/]*|[\]P^_X][^\u0007\u001B]*\u001B?|[ -/]*)$/;
/** The start of a UTF-8 character without its end, read as single bytes. */
const openCharacter = /(?:[\u00C0-\u00FF]|[\u00E0-\u00FF][\u0080-\u00BF]|[\u00F0-\u00FF][\u0080-\u00BF]{2})$/;

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

  /** A full-screen program draws. */
  get isFullScreen(): boolean {
    return otherScreen.some((mode) => this.#changed.has(mode));
  }

  /** The output so far ends neither within an escape sequence nor within a character: something else may be written between. */
  get isSettled(): boolean {
    return !openSequence.test(this.#carried) && !openCharacter.test(this.#carried);
  }

  /** The sequences that undo what is left; empty when nothing is. */
  undo(): string {
    return [...this.#changed].map((mode) => `\u001B[?${mode}${startsOn.has(mode) ? 'h' : 'l'}`).join('');
  }
}
