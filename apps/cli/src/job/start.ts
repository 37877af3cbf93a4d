import type { StartedJob } from '@rstream/protocol/exec';
import { startJob, type CommandRequest } from '@rstream/webtty-client';
import type { Device } from '../remote-command/device.ts';
import { handleText } from './handle.ts';

export interface StartJobOptions {
  readonly label: string | undefined;
  readonly signal: AbortSignal;
}

/** Starts a job. @throws RstreamError as `startJob` of webtty-client */
export async function start({ url, connect }: Device, request: CommandRequest, options: StartJobOptions): Promise<StartedJob> {
  const id = await startJob(await connect(options.signal), request, options);
  return { job_id: id, handle: handleText({ url, id }), url, label: options.label ?? '', command: [...request.argv] };
}

/** Starts a job for the command line, which prints its handle. */
export async function startDetached(
  device: Device,
  request: CommandRequest,
  options: StartJobOptions & { json: boolean },
): Promise<number> {
  const job = await start(device, request, options);
  process.stdout.write(options.json ? `${JSON.stringify(job, undefined, 2)}\n` : `${job.handle}\n`);
  return 0;
}
