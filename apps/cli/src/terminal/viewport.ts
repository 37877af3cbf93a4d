import type { TerminalViewport } from '@rstream/webtty-client';

const DEFAULT_VIEWPORT: TerminalViewport = { rows: 24, columns: 80 };

/** What shows the output here, whatever else stdout may be. */
export const screen = (): NodeJS.WriteStream | undefined => [process.stdout, process.stderr].find((stream) => stream.isTTY);

/** The size of the screen; that of a standard terminal when there is none. */
export function currentViewport(): TerminalViewport {
  const { rows = 0, columns = 0 } = screen() ?? {};
  return rows > 0 && columns > 0 ? { rows, columns } : DEFAULT_VIEWPORT;
}
