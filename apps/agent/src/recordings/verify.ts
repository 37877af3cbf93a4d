import { join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { listRecordings, verifyRecording, type Verification } from '@rstream/webtty-server';
import { findRecording } from './find.ts';
import type { Print, PrintFlags } from './printing.ts';

/** `recordings verify` */
export async function verify(recordings: readonly string[], { dir, output }: PrintFlags, print: Print): Promise<void> {
  const found =
    recordings.length === 0 ? await listRecordings(dir) : await Promise.all(recordings.map((recording) => findRecording(dir, recording)));
  const results: (Verification & { readonly name: string })[] = [];
  for (const { name } of found) {
    const result = { name, ...(await verifyRecording(join(dir, name))) };
    results.push(result);
    if (output === 'text') print(`${result.state.padEnd(10)}  ${name}  ${result.reason}`);
  }
  if (output === 'json') print(JSON.stringify(results));
  const wrong = results.filter(({ state }) => state !== 'intact').length;
  if (wrong > 0) throw new RstreamError('ERR_RSTREAM_RECORDING_CHANGED', `${wrong} of ${results.length} recordings are not intact.`);
}
