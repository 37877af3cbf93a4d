import type { JobInfo } from '@rstream/protocol/exec';
import { endSession } from '@rstream/webtty-client';
import type { Device } from '../remote-command/device.ts';
import { findJob, jobInfo } from './info.ts';

/** Ends a job, and resolves when it has ended. One that has ended is left as it is. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function cancelJob(device: Device, id: string, signal: AbortSignal): Promise<JobInfo> {
  const found = await findJob(device, id, signal);
  if (!found.running) return found;
  return jobInfo(device.url, await endSession(await device.connect(signal), id, { signal }));
}
