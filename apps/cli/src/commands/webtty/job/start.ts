import { defineCommand } from '../../../command.ts';
import { asCommand } from '../../../job/with-job.ts';
import { startDetached } from '../../../job/start.ts';
import { choice, text, usage } from '../../../option.ts';
import { withExecPath } from '../../../operator/target.ts';
import { withOperator } from '../../../operator/with-operator.ts';
import { deviceAt } from '../../../remote-command/device.ts';
import { requestOf, requestOptions } from '../../../remote-command/request.ts';

export const command = defineCommand({
  summary: 'start a command that needs no connection',
  description:
    'Prints the handle of the job, rstrm://NAME#ID, once it runs. The device keeps its output, up to 256 MiB of each stream, for 7 days ' +
    'after its end. Exit code: 0 when it was started, else as webtty exec.',
  arguments: [{ name: '[command...]', about: 'program and arguments' }],
  options: {
    url: text('--url <url>', 'the device: rstrm://NAME'),
    label: text('--label <text>', 'what the job is called in lists'),
    ...requestOptions,
    output: choice('-o, --output <mode>', ['text', 'json'], { about: 'text: the handle alone', fallback: 'text' }),
  },
  examples: ['rstream webtty job start --url rstrm://pi -- ./long-build.sh', 'job=$(rstream webtty job start --url rstrm://pi -- make)'],
  passThrough: true,
  run({ args, options, globals, signal }) {
    const { url, label, output } = options;
    if (url === undefined) throw usage('Say which device: --url rstrm://NAME', 'List the devices with: rstream webtty list');
    const request = requestOf(args, options);
    return asCommand(output === 'json', signal, () =>
      withOperator(globals, (operator) =>
        startDetached(deviceAt(operator, withExecPath(url, options.execPath)), request, { label, signal, json: output === 'json' }),
      ),
    );
  },
});
