const ESCAPE = 0x1b;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** The two shifts of the character set. */
const shifts: readonly number[] = [0x0e, 0x0f];
/** In UTF-8, C1 controls are this byte and one from 0x80 to 0x9F; other bytes behind it are letters. */
const C1_LEAD = 0xc2;
const C1_LAST = 0x9f;
/** Not worth the search below this. */
const WORTH_BYTES = 65_536;
/** Longest sequence that is recognised; a longer one is drawn with all that follows it. */
const SEQUENCE_BYTES = 512;
// oxlint-disable-next-line no-control-regex -- an escape sequence begins with one
const completeSequence = /^\u001B(?:\][^\u0007]*\u0007|\[[0-?]*[ -/]*[@-~]|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])/;

/**
 * The parts of `output` that have to be drawn to get the same screen. Plain lines that scroll out of reach are left out: of text
 * without control sequences only the last lines matter, because whatever they started from, a screen full of line feeds later
 * it is gone. `lines`: rows of the screen; `scrollback`: lines above it that matter, too.
 */
export function skippablePart(output: Buffer, lines: number, scrollback: number): readonly Buffer[] {
  const plainFrom = endOfLastSequence(output);
  if (plainFrom === undefined || output.byteLength - plainFrom < WORTH_BYTES) return [output];
  // One screen before the gap and one behind it, so that the cursor is on the last row on both sides.
  const before = afterLines(output, plainFrom, lines);
  const behind = beforeLines(output, lines * 2 + scrollback);
  if (before === undefined || behind === undefined || behind - before < WORTH_BYTES) return [output];
  return [output.subarray(0, before), output.subarray(behind)];
}

/** Where plain text begins for good; undefined when the last sequence is unfinished or not one that ends by itself. */
function endOfLastSequence(output: Buffer): number | undefined {
  const shift = Math.max(...shifts.map((byte) => output.lastIndexOf(byte)));
  const escape = output.lastIndexOf(ESCAPE);
  if (hasC1Control(output, Math.max(shift, escape, 0))) return undefined;
  if (shift >= escape) return shift + 1;
  const sequence = completeSequence.exec(output.toString('latin1', escape, escape + SEQUENCE_BYTES));
  return sequence === null ? undefined : escape + sequence[0].length;
}

function hasC1Control(output: Buffer, from: number): boolean {
  for (let at = output.indexOf(C1_LEAD, from); at !== -1; at = output.indexOf(C1_LEAD, at + 1)) {
    if ((output[at + 1] ?? 0) <= C1_LAST) return true;
  }
  return false;
}

/** Behind the `count`-th line end from `from` on. */
function afterLines(output: Buffer, from: number, count: number): number | undefined {
  let at = from;
  for (let line = 0; line < count; line += 1) {
    const feed = output.indexOf(LINE_FEED, at);
    if (feed === -1) return undefined;
    at = feed + 1;
  }
  return at;
}

/** Behind the line end that has `count` more line ends after it, if the line began at the left edge. */
function beforeLines(output: Buffer, count: number): number | undefined {
  let at = output.byteLength;
  for (let line = 0; line <= count; line += 1) {
    if (at <= 0) return undefined;
    at = output.lastIndexOf(LINE_FEED, at - 1);
    if (at === -1) return undefined;
  }
  return output[at - 1] === CARRIAGE_RETURN ? at + 1 : undefined;
}
