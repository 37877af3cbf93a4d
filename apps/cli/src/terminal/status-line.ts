import { printable } from '../output.ts';
import type { ScreenModes } from './screen-modes.ts';
import { screen } from './viewport.ts';

const ESC = '\u001B';
/** One line further down, below which there is one: at the bottom the screen is scrolled. The cursor stays in its line. */
const roomBelow = `${ESC}D${ESC}[A`;
const saveAndGoBelow = `${ESC}7${ESC}[B\r`;
const restoreCursor = `${ESC}8`;
const eraseLine = `${ESC}[K`;
/** XTerm's stack of titles; terminals that have none ignore it. */
const keepTitle = `${ESC}[22;2t`;
const putTitleBack = `${ESC}]2;\u0007${ESC}[23;2t`;
const title = (text: string): string => `${ESC}]2;${text}\u0007`;
const faint = (text: string): string => `${ESC}[2m${text}${ESC}[22m`;

/**
 * One line about the session for the person at the terminal, in the line below the cursor, and gone afterwards. While a full-screen
 * program draws it is the title of the window, because on the screen it would be in the picture.
 */
export class StatusLine {
  readonly #modes: ScreenModes;
  #shown: 'nowhere' | 'below' | 'title' = 'nowhere';
  #timer: NodeJS.Timeout | undefined;

  constructor(modes: ScreenModes) {
    this.#modes = modes;
  }

  /** Shows a text until the next one, the next output, or the end of `forMs`. */
  show(text: string, forMs?: number): void {
    this.clear();
    const target = screen();
    if (target === undefined) return;
    const line = `rstream: ${printable(text)}`;
    if (!process.stdout.isTTY) {
      target.write(`${line}\r\n`);
    } else if (this.#modes.isFullScreen) {
      this.#shown = 'title';
      target.write(keepTitle + title(line));
    } else if (this.#modes.isSettled) {
      this.#shown = 'below';
      // A line that wraps could not be erased.
      target.write(roomBelow + saveAndGoBelow + faint(line.slice(0, Math.max(0, target.columns - 1))) + eraseLine + restoreCursor);
    }
    if (forMs !== undefined) this.#timer = setTimeout(() => this.clear(), forMs).unref();
  }

  /** Takes it away; before anything else is written. */
  clear(): void {
    clearTimeout(this.#timer);
    const shown = this.#shown;
    this.#shown = 'nowhere';
    if (shown === 'below') screen()?.write(saveAndGoBelow + eraseLine + restoreCursor);
    if (shown === 'title') screen()?.write(putTitleBack);
  }
}
