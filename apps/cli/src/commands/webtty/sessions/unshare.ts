import { unshareSession } from '@rstream/webtty-client';
import { defineCommand } from '../../../command.ts';
import { text } from '../../../option.ts';
import { withOperator } from '../../../operator/with-operator.ts';
import { deviceAt } from '../../../remote-command/device.ts';
import { sessionOf, sessionOptions } from '../../../session/options.ts';

export const command = defineCommand({
  summary: 'take links to a terminal back',
  description: 'Whoever looks through them sees no more.',
  options: { ...sessionOptions, share: text('--share <id>', 'only this one (default: all links of the session)') },
  examples: ['rstream webtty sessions unshare --url rstrm://pi --session ses_4f1c'],
  async run({ options, globals, signal }) {
    const { url, id } = sessionOf(options);
    const which = options.share === undefined ? {} : { shareId: options.share };
    await withOperator(globals, async (operator) => {
      await unshareSession(await deviceAt(operator, url).connect(signal), id, { ...which, signal });
    });
  },
});
