import { JobInfo } from '@rstream/protocol/exec';
import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { integer, projectInputs, projectOf } from '../../tool/inputs.ts';
import { commandInputs } from './command-inputs.ts';

/** The fields by which an agent chooses a job; the rest comes with its output. */
const job = JobInfo.pick({ handle: true, label: true, command: true, running: true, started_at: true, exit_code: true, signal: true });

/** `rstream_webtty_job_list`: the jobs of a device. */
export const webttyJobList = defineTool({
  name: 'rstream_webtty_job_list',
  title: 'List jobs of a device',
  description: 'Find the jobs on one device, running or ended, the newest first.',
  toolset: 'webtty',
  surface: 'runtime',
  effect: 'read',
  openWorld: true,
  input: z.strictObject({
    url: commandInputs.url,
    limit: integer(1, mcpLimits.listItemsMax.default).default(mcpLimits.listItems.default),
    ...projectInputs,
  }),
  output: z.object({ jobs: z.array(job), total: z.number(), truncated: z.boolean() }),
  async run(ports: RuntimePorts, input, { signal }) {
    const jobs = await ports.jobs.list(input.url, { signal, ...projectOf(input) });
    return { data: { jobs: jobs.slice(0, input.limit), total: jobs.length, truncated: jobs.length > input.limit } };
  },
});
