import { read as readCallback } from 'node:fs';
import { promisify } from 'node:util';
import { limits } from '@rstream/protocol';

const read = promisify(readCallback);
const CHUNK_BYTES = 262_144;
const NEWLINE = 10;
/** A file with a zero in its first bytes is no text. */
const PROBED_BYTES = 8_192;

/** A line of a file that holds what is searched for. */
export interface LineMatch {
  /** From 1. */
  readonly line: number;
  /** The line, shortened around the match. */
  readonly text: string;
}

export interface LineSearch {
  readonly content: string;
  readonly ignoreCase: boolean;
  /** Told how many bytes were read; false ends the search. */
  seen(bytes: number): Promise<boolean>;
}

/** Lines of an open file with `content` in them; none of a binary file. */
export async function* linesWith(fd: number, search: LineSearch): AsyncGenerator<LineMatch> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES + limits.webdav.searchLine.default);
  const wanted = search.ignoreCase ? search.content.toLowerCase() : search.content;
  let [kept, line, position] = [0, 1, 0];
  for (;;) {
    const { bytesRead } = await read(fd, buffer, kept, CHUNK_BYTES, position);
    if (position === 0 && buffer.subarray(0, Math.min(bytesRead, PROBED_BYTES)).includes(0)) return;
    position += bytesRead;
    const filled = kept + bytesRead;
    const last = bytesRead === 0 ? filled : wholeLines(buffer, filled);
    const block = buffer.subarray(0, last);
    const text = block.toString();
    if ((search.ignoreCase ? text.toLowerCase() : text).includes(wanted))
      yield* matchesIn(text, { wanted, line, ignoreCase: search.ignoreCase });
    line += newlines(block);
    buffer.copy(buffer, 0, last, filled);
    kept = filled - last;
    if (bytesRead === 0 || !(await search.seen(bytesRead))) return;
  }
}

/** Bytes up to the last end of a line; all of them when the rest would be longer than a line may be. */
function wholeLines(buffer: Buffer, filled: number): number {
  const end = buffer.subarray(0, filled).lastIndexOf(NEWLINE) + 1;
  return filled - end > limits.webdav.searchLine.default ? filled : end;
}

function newlines(block: Buffer): number {
  let count = 0;
  for (let at = block.indexOf(NEWLINE); at !== -1; at = block.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

function* matchesIn(text: string, search: { wanted: string; line: number; ignoreCase: boolean }): Generator<LineMatch> {
  for (const [index, each] of text.split('\n').entries()) {
    const at = (search.ignoreCase ? each.toLowerCase() : each).indexOf(search.wanted);
    if (at !== -1) yield { line: search.line + index, text: shorten(each.replace(/\r$/, ''), at) };
  }
}

function shorten(text: string, at: number): string {
  const most = limits.webdav.matchText.default;
  if (text.length <= most) return text;
  const start = Math.max(0, Math.min(at - most / 4, text.length - most));
  return text.slice(start, start + most).toWellFormed();
}
