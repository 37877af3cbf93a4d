import { Writable } from 'node:stream';
import { limits } from '@rstream/protocol/limits';

const NEWLINE = 0x0a;

export interface PrefixedLinesOptions {
  readonly target: NodeJS.WriteStream;
  /** Stands before every line. */
  readonly prefix: string;
}

/**
 * Output of one of several devices: every line whole, in one write, behind the name of its device. On a terminal a line can
 * neither move the cursor nor take another device's name; elsewhere its bytes are as they came.
 */
export class PrefixedLines extends Writable {
  readonly #options: PrefixedLinesOptions;
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: PrefixedLinesOptions) {
    super();
    this.#options = options;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const bytes = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const { lines, rest } = splitLines(bytes);
    // A copy: what is left of a chunk would keep all of it.
    this.#rest = Buffer.from(rest);
    this.#print(lines, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    const last = this.#rest.byteLength === 0 ? [] : [this.#rest];
    this.#print(last, done);
  }

  /** Done when the lines are out: a slow screen holds the devices back. */
  #print(lines: readonly Buffer[], done: (error?: Error | null) => void): void {
    if (lines.length === 0) return done();
    const { target, prefix } = this.#options;
    const text = lines.flatMap((line) => [Buffer.from(prefix), target.isTTY ? harmless(line) : line, Buffer.of(NEWLINE)]);
    target.write(Buffer.concat(text), done);
    return undefined;
  }
}

function splitLines(bytes: Buffer): { readonly lines: readonly Buffer[]; readonly rest: Buffer } {
  const lines: Buffer[] = [];
  const longest = limits.webtty.fanOutLine.default;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if ((end === -1 ? bytes.byteLength : end) - start > longest) {
      lines.push(bytes.subarray(start, start + longest));
      start += longest;
    } else if (end === -1) {
      return { lines, rest: bytes.subarray(start) };
    } else {
      lines.push(bytes.subarray(start, end));
      start = end + 1;
    }
  }
}

// oxlint-disable-next-line no-control-regex -- colours may stay, every other control character goes
const controls = /(\u001B\[[\d;]*m)|[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;

function harmless(line: Buffer): Buffer {
  const text = line.toString('utf8').replace(/\r+$/, '');
  const shown = text.replace(controls, (_, colour: string | undefined) => colour ?? '�');
  return Buffer.from(shown.includes('\u001B') ? `${shown}\u001B[0m` : shown);
}
