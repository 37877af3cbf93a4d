import { openTerminal, type TerminalRequest } from '@rstream/webtty-client';
import { pumpOutput } from '../standard-streams.ts';
import { currentViewport } from '../terminal/viewport.ts';
import { resumable, type Device } from './device.ts';
import { feed, statusOf } from './text.ts';

/** End of transmission: what a terminal takes as the end of its input, at the start of a line. */
const EOT = Uint8Array.of(0x04);

export interface TerminalCommand {
  readonly request: Omit<TerminalRequest, 'rows' | 'columns'>;
  readonly signal: AbortSignal;
  readonly input: AsyncIterable<Uint8Array> | undefined;
}

/** Runs a command on a terminal of the device without one here: for programs that behave otherwise when nobody looks. */
export async function runOnTerminal(device: Device, { request, signal, input }: TerminalCommand): Promise<number> {
  const transport = await device.connect(signal);
  const terminal = await openTerminal(transport, { ...request, ...currentViewport() }, { signal, ...resumable(device) });
  const end = (): Promise<void> => terminal.write(EOT);
  void feed(input ?? emptyInput(), { write: (chunk) => terminal.write(chunk), end });
  await pumpOutput(terminal.output, process.stdout);
  return statusOf(await terminal.wait());
}

async function* emptyInput(): AsyncGenerator<Uint8Array> {
  // Nothing comes, and that is told.
}
