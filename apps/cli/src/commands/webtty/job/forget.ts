import { forgetJob } from '@rstream/webtty-client';
import { defineCommand } from '../../../command.ts';
import { jobArguments, jobUrl } from '../../../job/options.ts';
import { withJob } from '../../../job/with-job.ts';

export const command = defineCommand({
  summary: 'remove what a device keeps of an ended job',
  arguments: jobArguments,
  options: { url: jobUrl },
  examples: ['rstream webtty job forget rstrm://pi#ses_4f1c'],
  run({ args: [job], options: { url }, globals, signal }) {
    return withJob({ job, url, globals }, async (device, id) => forgetJob(await device.connect(signal), id, { signal }));
  },
});
