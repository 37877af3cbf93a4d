import { JobOutput } from '@rstream/protocol/exec';
import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { integer, projectInputs, projectOf } from '../../tool/inputs.ts';
import { jobHandle } from './job-handle.ts';

/** Time for dialling and for asking how the job stands. */
const OVERHEAD_MS = 10_000;
/** Longest JSON of one byte: `\u0000`. A piece that was shortened could not be told from a whole one by its offsets. */
const ROOM = 6;

/** How it stands, the piece, and where the next one begins. What start and list said is not repeated. */
const output = JobOutput.pick({
  handle: true,
  running: true,
  exit_code: true,
  signal: true,
  timed_out: true,
  cancelled: true,
  stdout: true,
  stderr: true,
  encoding: true,
  next_stdout_offset: true,
  next_stderr_offset: true,
  stdout_bytes: true,
  stderr_bytes: true,
  complete: true,
});

/** `rstream_webtty_job_read`: output of a job from an offset on. */
export const webttyJobRead = defineTool({
  name: 'rstream_webtty_job_read',
  title: 'Read a job of a device',
  description:
    'See how a job stands and read its output from the given offsets on. The next piece is at next_stdout_offset and next_stderr_offset, until complete.',
  toolset: 'webtty',
  surface: 'runtime',
  effect: 'read',
  openWorld: true,
  input: z.strictObject({
    handle: jobHandle,
    stdout_offset: integer(0, Number.MAX_SAFE_INTEGER).default(0),
    stderr_offset: integer(0, Number.MAX_SAFE_INTEGER).default(0),
    max_bytes: integer(256, mcpLimits.execOutputMax.default, `Of both streams; default ${mcpLimits.execOutput.default}.`).default(
      mcpLimits.execOutput.default,
    ),
    wait_seconds: integer(0, mcpLimits.jobWait.default / 1000, 'Wait so long for its end or for max_bytes.').default(0),
    ...projectInputs,
  }),
  output,
  deadline: (input) => input.wait_seconds * 1000 + OVERHEAD_MS,
  async run(ports: RuntimePorts, input, { signal }) {
    const request = {
      stdoutOffset: input.stdout_offset,
      stderrOffset: input.stderr_offset,
      maxBytes: input.max_bytes,
      waitMs: input.wait_seconds * 1000,
    };
    const data = await ports.jobs.read(input.handle, request, { signal, ...projectOf(input) });
    return { data, maxBytes: mcpLimits.resultBytes.default + input.max_bytes * ROOM };
  },
});
