import { defineCommand } from '../../../command.ts';
import { text, usage } from '../../../option.ts';
import { withExecPath } from '../../../operator/target.ts';
import { withOperator } from '../../../operator/with-operator.ts';
import { formatTable, outputOption, printResult } from '../../../output.ts';
import { deviceAt } from '../../../remote-command/device.ts';
import { listSessionViews } from '../../../session/info.ts';

export const command = defineCommand({
  summary: 'list the sessions of a device',
  description: 'Your own terminals, commands and jobs there. Come back to a terminal with: rstream webtty client rstrm://NAME --session ID',
  options: { url: text('--url <url>', 'the device: rstrm://NAME'), output: outputOption('table') },
  examples: ['rstream webtty sessions list --url rstrm://pi', 'rstream webtty sessions list --url rstrm://pi -o json'],
  async run({ options: { url, output }, globals, signal }) {
    if (url === undefined) throw usage('Say which device: --url rstrm://NAME', 'List the devices with: rstream webtty list');
    const sessions = await withOperator(globals, (operator) => listSessionViews(deviceAt(operator, withExecPath(url, undefined)), signal));
    await printResult(output, sessions, () =>
      formatTable(sessions, {
        ID: (session) => session.session_id,
        KIND: (session) => session.kind,
        RUNNING: (session) => (session.running ? 'yes' : 'no'),
        VIEWERS: (session) => `${session.viewers}`,
        SHARES: (session) => `${session.shares}`,
        STARTED: (session) => session.started_at,
        LABEL: (session) => session.label,
        COMMAND: (session) => session.command.join(' '),
      }),
    );
  },
});
