import type { SerializeAddon } from '@xterm/addon-serialize';
import type { Terminal } from '@xterm/headless';
import { limits } from '@rstream/protocol';
import type { TerminalSize } from '@rstream/protocol/webtty';
import type { OutputLog } from './output-log.ts';
import { skippablePart } from './skippable.ts';

/** Output that waits to be drawn, above which it is drawn; twice of it holds the program back. */
const BATCH_BYTES = 262_144;

/** A screen at one place in the output. */
export interface ScreenSnapshot {
  readonly offset: number;
  readonly size: TerminalSize;
  /** Sequences that draw it on a cleared terminal of that size. */
  readonly screen: Uint8Array;
}

/** What we read of the emulator beyond its public interface, at the exact version that is pinned. */
interface EmulatorCore {
  readonly coreService: { readonly isCursorHidden: boolean };
  readonly buffer: { readonly scrollTop: number; readonly scrollBottom: number };
}

interface Emulator {
  readonly terminal: Terminal;
  readonly serializer: SerializeAddon;
}

async function createEmulator({ row, col }: TerminalSize): Promise<Emulator> {
  const [headless, serialize] = await Promise.all([import('@xterm/headless'), import('@xterm/addon-serialize')]);
  const terminal = new headless.default.Terminal({
    rows: row,
    cols: col,
    scrollback: limits.webtty.snapshotScrollback.default,
    allowProposedApi: true,
  });
  // Node finds the CommonJS form of it, a bundler the module.
  const { SerializeAddon: Serializer } = 'default' in serialize ? serialize.default : serialize;
  const serializer = new Serializer();
  terminal.loadAddon(serializer);
  return { terminal, serializer };
}

/**
 * What a terminal shows, worked out on the device, so that a viewer that missed output sees the right screen. Drawn only as far
 * as needed: what the log still holds is drawn when somebody asks, and until the log lets something go, nothing is drawn at all.
 */
export class Screen {
  readonly #log: OutputLog;
  /** Sizes that are not drawn yet, with the offset from which they hold. */
  readonly #sizes: { readonly at: number; readonly size: TerminalSize }[] = [];
  readonly #onCaughtUp: () => void;
  #size: TerminalSize;
  #emulator: Promise<Emulator> | undefined;
  /** Output taken from the log and not given to the emulator, and the offset behind it. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #taken = 0;
  #drawing: Promise<void> | undefined;
  #disposed = false;

  /** `onCaughtUp` is called when {@link Screen.isBehind} has become false. */
  constructor(log: OutputLog, size: TerminalSize, onCaughtUp: () => void) {
    this.#log = log;
    this.#size = size;
    this.#onCaughtUp = onCaughtUp;
  }

  /** The size from the end of the log on. */
  resize(size: TerminalSize): void {
    this.#sizes.push({ at: this.#log.end, size });
  }

  /** True when drawing does not keep up with the output: the program should wait. */
  get isBehind(): boolean {
    return this.#waitingBytes > 2 * BATCH_BYTES;
  }

  /** Takes over what the log is about to let go. */
  take(offset: number): void {
    while (this.#taken < offset) {
      const part = this.#log.read(this.#taken, offset - this.#taken);
      if (part.byteLength === 0) break;
      // A copy: the view would hold its whole block.
      this.#waiting.push(Buffer.from(part));
      this.#waitingBytes += part.byteLength;
      this.#taken += part.byteLength;
    }
    if (this.#waitingBytes > BATCH_BYTES) this.#skip();
    // Who asks for the screen hears of a failure; here nobody waits for it.
    if (this.#waitingBytes > BATCH_BYTES) this.#draw().catch(() => undefined);
  }

  /** The screen at the present end of the log. */
  async snapshot(scrollback: number): Promise<ScreenSnapshot> {
    this.take(this.#log.end);
    const { terminal, serializer } = await this.#open();
    // Output that is taken meanwhile is drawn, too: what is serialised is the screen at exactly `#taken`.
    do await this.#draw();
    while (this.#waitingBytes > 0);
    const text = serializer.serialize({ scrollback: Math.min(scrollback, limits.webtty.snapshotScrollback.default) });
    return { offset: this.#taken, size: this.#size, screen: Buffer.from(text + hiddenState(terminal)) };
  }

  dispose(): void {
    this.#disposed = true;
    this.#waiting = [];
    void this.#emulator?.then(({ terminal }) => terminal.dispose());
  }

  #open(): Promise<Emulator> {
    this.#emulator ??= createEmulator(this.#size);
    return this.#emulator;
  }

  /** Draws all that waits, in order. One at a time; what comes meanwhile is drawn, too. */
  async #draw(): Promise<void> {
    while (this.#drawing !== undefined) await this.#drawing;
    this.#drawing = this.#drawWaiting();
    await this.#drawing;
  }

  async #drawWaiting(): Promise<void> {
    try {
      const { terminal } = await this.#open();
      while (!this.#disposed) {
        const wasBehind = this.isBehind;
        const batch = this.#takeBatch(this.#bytesAtThisSize());
        if (batch.byteLength === 0) {
          if (!this.#applyNextSize(terminal)) return;
          continue;
        }
        await new Promise<void>((resolve) => terminal.write(batch, resolve));
        if (wasBehind && !this.isBehind) this.#onCaughtUp();
      }
    } finally {
      this.#drawing = undefined;
    }
  }

  /** Of what waits, the bytes before the next change of size. */
  #bytesAtThisSize(): number {
    const [next] = this.#sizes;
    return next === undefined ? this.#waitingBytes : this.#waitingBytes - Math.max(0, this.#taken - next.at);
  }

  /** False when the next size, if any, holds only for output that was not taken yet. */
  #applyNextSize(terminal: Terminal): boolean {
    const [next] = this.#sizes;
    if (next === undefined || next.at > this.#taken) return false;
    this.#sizes.shift();
    this.#size = next.size;
    terminal.resize(next.size.col, next.size.row);
    return true;
  }

  /** Leaves out of what waits what would scroll out of reach: a flood of plain lines is never drawn. */
  #skip(): void {
    if (this.#sizes.length > 0) return;
    const all = Buffer.concat(this.#waiting);
    const parts = skippablePart(all, this.#size.row, limits.webtty.snapshotScrollback.default);
    if (parts.length === 1) return void (this.#waiting = [all]);
    // Copies: a view would keep what was left out.
    this.#waiting = [Buffer.concat(parts)];
    this.#waitingBytes = this.#waiting[0]?.byteLength ?? 0;
  }

  #takeBatch(most: number): Buffer {
    const all = this.#waiting.length === 1 ? (this.#waiting[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#waiting);
    const batch = all.subarray(0, most);
    const rest = all.subarray(batch.byteLength);
    this.#waiting = rest.byteLength === 0 ? [] : [rest];
    this.#waitingBytes -= batch.byteLength;
    return batch;
  }
}

/** What the serializer leaves out: a hidden cursor, and the rows that scroll. */
function hiddenState(terminal: Terminal): string {
  const { coreService, buffer } = (terminal as unknown as { readonly _core: EmulatorCore })._core;
  const { cursorX, cursorY } = terminal.buffer.active;
  const partial = buffer.scrollTop !== 0 || buffer.scrollBottom !== terminal.rows - 1;
  // Setting the rows moves the cursor.
  const region = partial ? `\u001B[${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r\u001B[${cursorY + 1};${cursorX + 1}H` : '';
  return region + (coreService.isCursorHidden ? '\u001B[?25l' : '');
}
