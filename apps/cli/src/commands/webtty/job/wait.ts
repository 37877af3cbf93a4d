import { exitStatus } from '@rstream/webtty-client';
import { defineCommand } from '../../../command.ts';
import { interruptedStatus } from '../../../interrupted.ts';
import { jobArguments, jobUrl } from '../../../job/options.ts';
import { waitForJob } from '../../../job/wait.ts';
import { asCommand, withJob } from '../../../job/with-job.ts';
import { choice, duration, integer } from '../../../option.ts';

const TIMED_OUT = 124;

export const command = defineCommand({
  summary: 'wait for a job to end, and end as it did',
  description:
    'Exit code: that of the job, as of webtty exec; 124 when the time of --timeout was over first. Then, and after Ctrl-C, the job goes on.',
  arguments: jobArguments,
  options: {
    url: jobUrl,
    timeout: duration('--timeout <time>', 'wait no longer than this'),
    maxOutput: integer('--max-output <bytes>', 'with -o json: bytes of output to keep, head and tail', { min: 1, max: 268_435_456 }),
    output: choice('-o, --output <mode>', ['none', 'json'], { about: 'json: the result, as of webtty exec, and job_id', fallback: 'none' }),
  },
  examples: ['rstream webtty job wait rstrm://pi#ses_4f1c', 'rstream webtty job wait rstrm://pi#ses_4f1c --timeout 10m -o json'],
  run({ args: [job], options, globals, signal }) {
    const { url, timeout, maxOutput, output } = options;
    const over = timeout === undefined ? [] : [AbortSignal.timeout(timeout)];
    const enough = AbortSignal.any([signal, ...over]);
    return asCommand(output === 'json', signal, async () => {
      const how = { withOutput: output === 'json', maxOutputBytes: maxOutput, signal, enough };
      const result = await withJob({ job, url, globals }, (device, id) => waitForJob(device, id, how));
      if (output === 'json') process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
      if (result.running) return interruptedStatus(signal) ?? TIMED_OUT;
      return exitStatus(result);
    });
  },
});
