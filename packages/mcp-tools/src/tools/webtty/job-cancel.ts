import { JobInfo } from '@rstream/protocol/exec';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { projectInputs, projectOf } from '../../tool/inputs.ts';
import { jobHandle } from './job-handle.ts';

/** `rstream_webtty_job_cancel`: ends a job. */
export const webttyJobCancel = defineTool({
  name: 'rstream_webtty_job_cancel',
  title: 'End a job on a device',
  description: 'End a running job and its children; its output stays readable. An ended one is left as it is.',
  toolset: 'webtty',
  surface: 'runtime',
  effect: 'destroy',
  idempotent: true,
  openWorld: true,
  input: z.strictObject({ handle: jobHandle, ...projectInputs }),
  output: JobInfo.pick({ handle: true, running: true, exit_code: true, signal: true, cancelled: true }),
  asks: 'on request',
  plan: (_ports: RuntimePorts, { handle }) => ({
    summary: `End the job ${handle}?`,
    effects: ['Its processes are ended by TERM, then KILL.'],
  }),
  async run(ports, input, { signal }) {
    return { data: await ports.jobs.cancel(input.handle, { signal, ...projectOf(input) }) };
  },
});
