import { toRstreamError } from '@rstream/protocol';
import { exitStatusOfError } from '@rstream/webtty-client';
import type { GlobalOptions } from '../globals.ts';
import { withOperator } from '../operator/with-operator.ts';
import { deviceAt, type Device } from '../remote-command/device.ts';
import { printError } from '../report.ts';
import { parseHandle } from './handle.ts';

export interface JobCall {
  readonly job: string | undefined;
  readonly url: string | undefined;
  readonly globals: GlobalOptions;
}

/** Runs `work` on the device of a job. */
export function withJob<Result>({ job, url, globals }: JobCall, work: (device: Device, id: string) => Promise<Result>): Promise<Result> {
  const handle = parseHandle(job, url);
  return withOperator(globals, (operator) => work(deviceAt(operator, handle.url), handle.id));
}

/** Exit codes of verbs that stand for a command: an error is 125 to 127, as of `exec`. */
export async function asCommand(json: boolean, signal: AbortSignal, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const report = toRstreamError(error);
    if (signal.aborted || report.code === 'ERR_RSTREAM_USAGE') throw error;
    printError(report, { json });
    return exitStatusOfError(report);
  }
}
