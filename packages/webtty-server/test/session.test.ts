import { SerializeAddon } from '@xterm/addon-serialize';
import { Terminal } from '@xterm/headless';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputLog } from '../src/session/output-log.ts';
import { Screen } from '../src/session/screen.ts';
import { Shares } from '../src/session/shares.ts';
import { skippablePart } from '../src/session/skippable.ts';

const size = { row: 10, col: 40, xpixel: 0, ypixel: 0 };

describe('the log of a stream', () => {
  it('gives back every byte at its offset, however it was written, read and trimmed', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 20_000 });
    const step = fc.record({
      chunk,
      readAt: fc.double({ min: 0, max: 1, noNaN: true }),
      trimAt: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const log = new OutputLog();
        let all = Buffer.alloc(0);
        for (const { chunk: bytes, readAt, trimAt } of steps) {
          all = Buffer.concat([all, bytes]);
          log.append(Buffer.from(bytes));
          expect(log.end).toBe(all.byteLength);
          const from = Math.floor(log.start + readAt * (log.end - log.start));
          let at = from;
          while (at < log.end) {
            const part = log.read(at, 7_000);
            expect(part.equals(all.subarray(at, at + part.byteLength))).toBe(true);
            expect(part.byteLength).toBeGreaterThan(0);
            at += part.byteLength;
          }
          log.trim(Math.floor(log.start + trimAt * trimAt * (log.end - log.start)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('does not change what was read when more is written and the old is let go', () => {
    const log = new OutputLog();
    log.append(Buffer.from('first'));
    const read = log.read(0, 5);
    for (let count = 0; count < 5_000; count += 1) log.append(Buffer.from(`more ${count}`));
    log.trim(log.end);
    expect(read.toString()).toBe('first');
    expect(log.read(log.end, 10).byteLength).toBe(0);
  });
});

/** Everything that a terminal shows, as text: lines, styles, cursor, modes. */
async function drawn(parts: readonly Buffer[], scrollback = 30): Promise<string> {
  const terminal = new Terminal({ rows: size.row, cols: size.col, scrollback, allowProposedApi: true });
  const serializer = new SerializeAddon();
  terminal.loadAddon(serializer);
  for (const part of parts) await new Promise<void>((resolve) => terminal.write(part, resolve));
  const state = `${serializer.serialize({ scrollback })}|${terminal.buffer.active.cursorX},${terminal.buffer.active.cursorY}`;
  terminal.dispose();
  return state;
}

describe('a flood of plain lines', () => {
  const lines = (count: number, text = 'plain text of a line, longer than a row of the screen is'): string =>
    Array.from({ length: count }, (_, line) => `${line} ${text}\r\n`).join('');
  const starts: Readonly<Record<string, string>> = {
    nothing: '',
    colours: '\u001B[1;31m',
    'scrolling rows': '\u001B[3;7r\u001B[5;1H',
    'a cursor below the scrolling rows': '\u001B[2;4r\u001B[9;3H',
    'the other screen': '\u001B[?1049h\u001B[2J',
    'no wrapping': '\u001B[?7l',
    'a line drawing character set': '\u001B(0',
    'wide characters': '日本語 текст é\r\n',
    'a title': '\u001B]0;title\u0007',
    'a string that was ended': '\u001BP$qm\u001B\\',
    'origin mode': '\u001B[3;8r\u001B[?6h',
  };

  it.each(Object.entries(starts))('that follows %s leaves the same screen when its middle is left out', async (_name, start) => {
    const output = Buffer.from(`${start}${lines(8_000)}end`);
    const parts = skippablePart(output, size.row, 30);
    expect(Buffer.concat(parts).byteLength).toBeLessThan(output.byteLength / 2);
    expect(await drawn(parts)).toBe(await drawn([output]));
  });

  it.each([
    ['an unfinished string', `\u001B]0;${lines(8_000)}`],
    ['a string that no byte ends', `\u001BP${lines(8_000)}`],
    ['lines that do not begin at the left edge', lines(8_000).replaceAll('\r\n', '\n')],
    ['a control sequence at the end', `${lines(8_000)}\u001B[2J`],
    ['a control of one character', `${lines(4_000)}\u0090${lines(4_000)}`],
    ['one endless line', 'x'.repeat(400_000)],
  ])('with %s is drawn whole', async (_name, text) => {
    const output = Buffer.from(text);
    expect(skippablePart(output, size.row, 30)).toEqual([output]);
  });

  it('of any mixture leaves the same screen', async () => {
    const piece = fc.oneof(
      fc.constant(lines(2_500)),
      fc.constantFrom(
        '\u001B[5;5H',
        '\u001B[2;6r',
        '\u001B[7m',
        '\u001B[K',
        '\u001BM',
        '\u000E',
        '\u000F',
        '\u001B[?25l',
        '\t',
        '\b\b',
        '§é日',
        '\r',
        '\n',
      ),
      fc.string({ maxLength: 60 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async (pieces) => {
        const output = Buffer.from(pieces.join(''));
        expect(await drawn(skippablePart(output, size.row, 30))).toBe(await drawn([output]));
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('a screen', () => {
  it('is that of the output so far, at every size change, however little the log keeps', async () => {
    const log = new OutputLog();
    const screen = new Screen(log, size, () => undefined);
    const reference = new Terminal({ rows: size.row, cols: size.col, scrollback: 1_000, allowProposedApi: true });
    const write = async (text: string): Promise<void> => {
      log.append(Buffer.from(text));
      await new Promise<void>((resolve) => reference.write(text, resolve));
    };
    await write('one\r\n\u001B[31mtwo\u001B[0m\r\n');
    screen.take(log.end);
    log.trim(log.end);
    screen.resize({ ...size, row: 6, col: 20 });
    reference.resize(20, 6);
    await write('a line that is longer than twenty characters\r\n');
    screen.resize({ ...size, row: 12, col: 50 });
    reference.resize(50, 12);
    await write('last\u001B[?25l');
    const { screen: bytes, offset, size: at } = await screen.snapshot(100);
    expect([offset, at.row, at.col]).toEqual([log.end, 12, 50]);
    const shown = new Terminal({ rows: 12, cols: 50, scrollback: 1_000, allowProposedApi: true });
    await new Promise<void>((resolve) => shown.write(bytes, resolve));
    const text = (terminal: Terminal): string[] =>
      Array.from(
        { length: terminal.rows },
        (_, row) => terminal.buffer.active.getLine(terminal.buffer.active.baseY + row)?.translateToString(true) ?? '',
      );
    expect(text(shown)).toEqual(text(reference));
    expect(shown.buffer.active.cursorY).toBe(reference.buffer.active.cursorY);
    screen.dispose();
  });
});

describe('the shares of a session', () => {
  it('open with their own secret, and end when they are revoked', () => {
    const ended: string[] = [];
    const shares = new Shares((id) => ended.push(id));
    const one = shares.create(60_000);
    const two = shares.create(60_000);
    expect(shares.find(one.secret)).toBe(one.shareId);
    expect(shares.find(Buffer.alloc(32))).toBeUndefined();
    expect(shares.find(Buffer.alloc(3))).toBeUndefined();
    expect(shares.revoke(one.shareId)).toBe(true);
    expect([shares.find(one.secret), shares.find(two.secret)]).toEqual([undefined, two.shareId]);
    shares.clear();
    expect(ended).toEqual([one.shareId, two.shareId]);
  });

  it('are bounded', () => {
    const shares = new Shares(() => undefined);
    for (let count = 0; count < 16; count += 1) shares.create(1_000);
    expect(() => shares.create(1_000)).toThrow('at most 16 shares');
    shares.clear();
  });
});
