import { basename } from 'node:path';
import { limits, RstreamError } from '@rstream/protocol';
import type { Config, TerminalSize } from '@rstream/protocol/webtty';

/** Everything decided about the terminal of a command. */
export interface TerminalPlan {
  readonly size: TerminalSize;
}

/** What a client without a size of its own has most likely. */
const DEFAULT_SIZE: TerminalSize = { row: 24, col: 80, xpixel: 0, ypixel: 0 };
/** Names of terminal types as terminfo has them: nothing that could be a path. */
const TERM_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const DEFAULT_TERM = 'xterm-256color';

/** The terminal that an open message asks for. */
export function planTerminal(config: Config): TerminalPlan | undefined {
  if (config.options?.allocateTty !== true) return undefined;
  const asked = config.terminalSize === undefined ? undefined : usableSize(config.terminalSize);
  return { size: asked ?? DEFAULT_SIZE };
}

/** A size within bounds; undefined for one without rows or columns, which clients send when they do not know. */
export function usableSize({ row, col, xpixel, ypixel }: TerminalSize): TerminalSize | undefined {
  const most = limits.webtty.terminalSide.default;
  // The kernel keeps pixels in 16 bits.
  const pixels = (value: number): number => Math.min(value, 0xffff);
  if (row === 0 || col === 0) return undefined;
  return { row: Math.min(row, most), col: Math.min(col, most), xpixel: pixels(xpixel), ypixel: pixels(ypixel) };
}

/** The variable that says what the viewer understands. */
export function terminalType({ envVars }: Config): string {
  const name = envVars.findLast(({ key }) => key === 'TERM')?.value ?? DEFAULT_TERM;
  if (!TERM_NAME.test(name)) throw new RstreamError('ERR_RSTREAM_COMMAND_INVALID', 'TERM is not the name of a terminal type.');
  return name;
}

/** What an empty command line means on a terminal, and under which words a policy lists it. */
export function loginShell(shell: string): { readonly argv: readonly string[]; readonly listedAs: readonly string[] } {
  return { argv: [shell, '-l'], listedAs: [basename(shell)] };
}
