import { defineCommand } from '../../../command.ts';
import { findJob } from '../../../job/info.ts';
import { jobArguments, jobUrl } from '../../../job/options.ts';
import { withJob } from '../../../job/with-job.ts';
import { formatFields, outputOption, printResult } from '../../../output.ts';

export const command = defineCommand({
  summary: 'show how a job stands',
  arguments: jobArguments,
  options: { url: jobUrl, output: outputOption('table') },
  examples: ['rstream webtty job show rstrm://pi#ses_4f1c', 'rstream webtty job show --url rstrm://pi ses_4f1c -o json'],
  async run({ args: [job], options: { url, output }, globals, signal }) {
    const info = await withJob({ job, url, globals }, (device, id) => findJob(device, id, signal));
    await printResult(output, info, () => formatFields({ ...info, command: info.command.join(' ') }));
  },
});
