import type { CommandOutcome, RemoteTerminal, TerminalViewport } from '@rstream/webtty-client';
import { pumpOutput } from '../standard-streams.ts';
import { enterRawMode } from './raw-mode.ts';
import { ScreenModes } from './screen-modes.ts';

/** How an attached terminal was left. */
export interface Attached {
  readonly outcome: CommandOutcome;
  /** The detach key was typed. */
  readonly detached: boolean;
}

const DEFAULT_VIEWPORT: TerminalViewport = { rows: 24, columns: 80 };

/** What shows the output here, whatever else stdout may be. */
const screen = (): NodeJS.WriteStream | undefined => [process.stdout, process.stderr].find((stream) => stream.isTTY);

/** The size of the screen; that of a standard terminal when there is none. */
export function currentViewport(): TerminalViewport {
  const { rows = 0, columns = 0 } = screen() ?? {};
  return rows > 0 && columns > 0 ? { rows, columns } : DEFAULT_VIEWPORT;
}

/** Joins this process's terminal with a remote one until that ends. Leaves the local one as it was, on every way out. */
export async function attach(terminal: RemoteTerminal, detachByte: number | undefined): Promise<Attached> {
  const modes = new ScreenModes();
  const onResize = (): void => {
    terminal.resize(currentViewport()).catch(() => undefined);
  };
  const restore = enterRawMode(process.stdin);
  screen()?.on('resize', onResize);
  // The window may have changed while the terminal was opened.
  onResize();
  const input = feed(terminal, detachByte);
  try {
    await pumpOutput(watched(terminal.output, modes), process.stdout);
    const outcome = await terminal.wait();
    process.stdin.pause();
    return { outcome, detached: input.detached };
  } finally {
    screen()?.off('resize', onResize);
    if (process.stdout.isTTY) process.stdout.write(modes.undo());
    restore();
    // Reading on would keep this process.
    process.stdin.destroy();
    await input.done;
  }
}

async function* watched(output: AsyncIterable<Uint8Array>, modes: ScreenModes): AsyncGenerator<Uint8Array> {
  for await (const chunk of output) {
    modes.watch(chunk);
    yield chunk;
  }
}

interface Input {
  readonly done: Promise<void>;
  readonly detached: boolean;
}

/** Sends what is typed, no faster than the device takes it. The end of the local terminal hangs up, and so does the detach key. */
function feed(terminal: RemoteTerminal, detachByte: number | undefined): Input {
  const input = { done: Promise.resolve(), detached: false };
  const run = async (): Promise<void> => {
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      const at = detachByte === undefined ? -1 : chunk.indexOf(detachByte);
      input.detached = at !== -1;
      await terminal.write(input.detached ? chunk.subarray(0, at) : chunk);
      if (input.detached) break;
    }
    terminal.close();
  };
  input.done = run().catch(() => undefined);
  return input;
}
