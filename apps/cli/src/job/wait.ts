import { collectJob } from '@rstream/webtty-client';
import type { ExecResult } from '@rstream/protocol/exec';
import { resumable, type Device } from '../remote-command/device.ts';
import { findJob } from './info.ts';

/** The result of a job, and whether it still runs because the waiting ended first. */
export interface JobResult extends ExecResult {
  readonly job_id: string;
  readonly running: boolean;
}

export interface WaitOptions {
  /** False: the output is not fetched, and the result holds none. */
  readonly withOutput: boolean;
  readonly maxOutputBytes: number | undefined;
  readonly signal: AbortSignal;
  /** Ends the waiting; the job goes on. */
  readonly enough: AbortSignal;
}

/** Waits for the end of a job. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function waitForJob(
  device: Device,
  id: string,
  { withOutput, maxOutputBytes, signal, enough }: WaitOptions,
): Promise<JobResult> {
  const { command } = await findJob(device, id, signal);
  // From behind its end on there is nothing to send but how it ended.
  const from = withOutput ? 0 : Number.MAX_SAFE_INTEGER;
  const options = {
    stdoutOffset: from,
    stderrOffset: from,
    url: device.url,
    command,
    maxOutputBytes,
    signal: enough,
    ...resumable(device),
  };
  const result = await collectJob(await device.connect(signal), id, options);
  const ended = result.exit_code !== null || result.signal !== null || result.timed_out || result.cancelled;
  return { job_id: id, running: !ended && enough.aborted, ...result };
}
