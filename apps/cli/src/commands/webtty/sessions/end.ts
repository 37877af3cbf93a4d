import { endSession } from '@rstream/webtty-client';
import { defineCommand } from '../../../command.ts';
import { withOperator } from '../../../operator/with-operator.ts';
import { outputOption, printResult } from '../../../output.ts';
import { deviceAt } from '../../../remote-command/device.ts';
import { sessionView } from '../../../session/info.ts';
import { sessionOf, sessionOptions } from '../../../session/options.ts';

export const command = defineCommand({
  summary: 'end a session',
  description: 'Hangs up a terminal, or sends TERM to a command or job; then KILL. Resolves when it has ended.',
  options: { ...sessionOptions, output: outputOption('table') },
  examples: ['rstream webtty sessions end --url rstrm://pi --session ses_4f1c'],
  async run({ options, globals, signal }) {
    const { url, id } = sessionOf(options);
    const view = await withOperator(globals, async (operator) => {
      const { connect } = deviceAt(operator, url);
      return sessionView(url, await endSession(await connect(signal), id, { signal }));
    });
    await printResult(options.output, view, () => `${view.session_id} has ended`);
  },
});
