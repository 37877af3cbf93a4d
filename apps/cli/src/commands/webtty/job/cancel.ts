import { defineCommand } from '../../../command.ts';
import { cancelJob } from '../../../job/cancel.ts';
import { jobState } from '../../../job/info.ts';
import { jobArguments, jobUrl } from '../../../job/options.ts';
import { withJob } from '../../../job/with-job.ts';
import { outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'end a job that runs',
  description:
    'TERM, then KILL, for the command and its children; resolves when they have ended. Its output is kept. Ending an ended job changes nothing.',
  arguments: jobArguments,
  options: { url: jobUrl, output: outputOption('table') },
  examples: ['rstream webtty job cancel rstrm://pi#ses_4f1c'],
  async run({ args: [job], options: { url, output }, globals, signal }) {
    const info = await withJob({ job, url, globals }, (device, id) => cancelJob(device, id, signal));
    await printResult(output, info, () => `${info.handle}  ${jobState(info)}`);
  },
});
