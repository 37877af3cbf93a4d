import type { IBuffer, IMarker, Terminal } from '@xterm/headless';
import type { CastHeader } from './cast.ts';
import { readRecording } from './read.ts';

/** Written at once; what it can scroll fits the scrollback many times over. */
const sliceLength = 8_192;
const scrollback = 10_000;
/** A hostile session could claim a terminal so large that its screen fills the memory. Lines that wrap are joined again. */
const maxSide = 1_000;

/**
 * A recording as the text that a person saw: lines after all overwriting, without colours or any other escape sequence, and
 * without what full-screen programs drew on their own screen.
 */
export async function* exportText(path: string): AsyncGenerator<string> {
  const { header, events } = await readRecording(path);
  const reader = new ScreenReader(await makeTerminal(header.term));
  try {
    for await (const { code, data } of events) {
      if (code === 'o') yield* reader.write(data);
      if (code === 'r') yield* reader.resize(data);
    }
    yield* reader.rest();
  } finally {
    reader.dispose();
  }
}

/** The emulator is loaded only where something is exported. */
async function makeTerminal({ cols, rows }: CastHeader['term']): Promise<Terminal> {
  const { default: headless } = await import('@xterm/headless');
  return new headless.Terminal({
    cols: clamp(cols),
    rows: clamp(rows),
    scrollback,
    scrollOnEraseInDisplay: true,
    allowProposedApi: true,
    logLevel: 'off',
  });
}

/** A terminal whose lines are taken as soon as they have left the screen upwards. */
class ScreenReader {
  readonly #terminal: Terminal;
  /** First line that was not taken yet; it moves with the lines. */
  #next: IMarker | undefined;
  #line: string | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    // "Erase the lines above the screen": a person has seen them.
    terminal.parser.registerCsiHandler({ final: 'J' }, ([mode]) => mode === 3);
  }

  async *write(data: string): AsyncGenerator<string> {
    for (let start = 0; start < data.length; start += sliceLength) {
      await this.#parse(data.slice(start, start + sliceLength));
      yield* this.#take(this.#terminal.buffer.normal.baseY);
    }
  }

  async *resize(size: string): AsyncGenerator<string> {
    const [cols, rows] = size.split('x').map(Number);
    if (cols === undefined || rows === undefined || !(cols >= 1) || !(rows >= 1)) return;
    await this.#parse('');
    this.#terminal.resize(clamp(cols), clamp(rows));
    yield* this.#take(this.#terminal.buffer.normal.baseY);
  }

  /** What is on the screen at the end, without the empty lines below. */
  *rest(): Generator<string> {
    const { normal } = this.#terminal.buffer;
    let end = normal.length;
    while (end > normal.baseY && textOf(normal, end - 1) === '') end -= 1;
    yield* this.#take(end);
    if (this.#line !== undefined) yield `${this.#line.trimEnd()}\n`;
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  #parse(data: string): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(data, resolve));
  }

  *#take(end: number): Generator<string> {
    const { normal, active } = this.#terminal.buffer;
    // A marker can be set on the screen in use only; while that is the other one, this one does not change.
    if (active.type !== 'normal' && end === normal.baseY) return;
    const from = this.#next === undefined || this.#next.isDisposed ? 0 : this.#next.line;
    for (let index = from; index < end; index += 1) {
      const text = textOf(normal, index);
      if (normal.getLine(index)?.isWrapped === true && this.#line !== undefined) this.#line += text;
      else {
        if (this.#line !== undefined) yield `${this.#line.trimEnd()}\n`;
        this.#line = text;
      }
    }
    if (active.type !== 'normal') return;
    this.#next?.dispose();
    this.#next = this.#terminal.registerMarker(Math.max(from, end) - normal.baseY - normal.cursorY);
  }
}

const clamp = (side: number): number => Math.min(maxSide, Math.max(2, side));

/** A cell can hold no control character; should one come through nevertheless, it ends here. */
function textOf(buffer: IBuffer, index: number): string {
  const line = buffer.getLine(index);
  const wraps = buffer.getLine(index + 1)?.isWrapped === true;
  return line?.translateToString(!wraps).replaceAll(/[\p{Cc}]/gu, '') ?? '';
}
