import { StartedJob } from '@rstream/protocol/exec';
import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { integer, projectInputs, projectOf, text } from '../../tool/inputs.ts';
import { commandInputs, commandOf } from './command-inputs.ts';

/** `rstream_webtty_job_start`: a command that goes on without this call. */
export const webttyJobStart = defineTool({
  name: 'rstream_webtty_job_start',
  title: 'Start a job on a device',
  description:
    'Start a long command and get its handle at once. It runs on when the connection or this server ends; follow it with rstream_webtty_job_read.',
  toolset: 'webtty',
  surface: 'runtime',
  effect: 'destroy',
  openWorld: true,
  input: z.strictObject({
    ...commandInputs,
    label: text(128),
    timeout_seconds: integer(1, mcpLimits.jobTimeoutMax.default / 1000, 'Default none.').optional(),
    ...projectInputs,
  }),
  output: StartedJob.pick({ handle: true, command: true }),
  asks: 'on request',
  plan: (_ports: RuntimePorts, { url, command }) => ({ summary: `Start a job on ${url}?`, effects: [JSON.stringify(command)] }),
  async run(ports, input, { signal }) {
    const { label, timeout_seconds: seconds } = input;
    const request = {
      ...commandOf(input),
      ...(label === undefined ? {} : { label }),
      ...(seconds === undefined ? {} : { timeoutMs: seconds * 1000 }),
    };
    return { data: await ports.jobs.start(request, { signal, ...projectOf(input) }) };
  },
});
