/** Ends what a full-screen program may have switched on: other screen, modes, scrolling rows, mouse, paste, character set. */
const SOFT_RESET =
  '\u001B[?1049l\u001B[!p\u001B[?1;6;47;1000;1002;1003;1004;1005;1006;1015;2004l\u001B[?7;25h\u001B(B\u000F\u001B[0m\u001B[r';
const CLEAR = '\u001B[H\u001B[2J';
/** Forgets everything, the lines above the screen too. */
const FULL_RESET = '\u001Bc\u001B[3J';

/** Output that shows `screen` in place of whatever is shown now. */
export function repaint(screen: Uint8Array, clearsHistory: boolean): Uint8Array {
  const prefix = new TextEncoder().encode(clearsHistory ? FULL_RESET : SOFT_RESET + CLEAR);
  const chunk = new Uint8Array(prefix.byteLength + screen.byteLength);
  chunk.set(prefix);
  chunk.set(screen, prefix.byteLength);
  return chunk;
}
