import { defineCommand } from '../../../command.ts';
import { jobState, listJobs } from '../../../job/info.ts';
import { text, usage } from '../../../option.ts';
import { withExecPath } from '../../../operator/target.ts';
import { withOperator } from '../../../operator/with-operator.ts';
import { formatTable, outputOption, printResult } from '../../../output.ts';
import { deviceAt } from '../../../remote-command/device.ts';

export const command = defineCommand({
  summary: 'list the jobs of a device',
  description: 'Your own jobs, running or ended, the newest first.',
  options: { url: text('--url <url>', 'the device: rstrm://NAME'), output: outputOption('table') },
  examples: ['rstream webtty job list --url rstrm://pi', 'rstream webtty job list --url rstrm://pi -o json'],
  async run({ options: { url, output }, globals, signal }) {
    if (url === undefined) throw usage('Say which device: --url rstrm://NAME', 'List the devices with: rstream webtty list');
    const jobs = await withOperator(globals, (operator) => listJobs(deviceAt(operator, withExecPath(url, undefined)), signal));
    await printResult(output, jobs, () =>
      formatTable(jobs, {
        ID: (job) => job.job_id,
        STATE: jobState,
        STARTED: (job) => job.started_at,
        OUTPUT: (job) => `${job.stdout_bytes + job.stderr_bytes}`,
        LABEL: (job) => job.label,
        COMMAND: (job) => job.command.join(' '),
      }),
    );
  },
});
