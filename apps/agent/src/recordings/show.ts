import { RstreamError } from '@rstream/protocol';
import { readRecording, verifyRecording } from '@rstream/webtty-server';
import { describeRecording, findRecording, pathOf, printable } from './find.ts';
import type { Print, PrintFlags } from './printing.ts';

/** `recordings show` */
export async function show(recording: string, { dir, output }: PrintFlags, print: Print): Promise<void> {
  const found = await findRecording(dir, recording);
  const path = pathOf(dir, found);
  const { state, reason } = await verifyRecording(path);
  const facts: Readonly<Record<string, unknown>> = { ...describeRecording(found), ...(await countEvents(path)), state, reason };
  if (output === 'json') {
    print(JSON.stringify(facts));
    return;
  }
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) print(`${name.padEnd(14)} ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`);
  }
}

/** A file that was changed may stop being one in the middle: what is before that still counts. */
async function countEvents(path: string): Promise<Readonly<Record<string, unknown>>> {
  let events = 0;
  let exitCode: number | undefined;
  try {
    const recording = await readRecording(path);
    for await (const { code, data } of recording.events) {
      events += 1;
      if (code === 'x') exitCode = Number(data);
    }
  } catch (error) {
    if (!RstreamError.is(error)) throw error;
  }
  return { events, exit_code: exitCode };
}
