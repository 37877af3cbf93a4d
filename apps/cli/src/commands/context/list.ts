import { configPath, listContexts, loadConfig } from '@rstream/config';
import { defineCommand } from '../../command.ts';
import { formatTable, outputOption, printResult } from '../../output.ts';

export const command = defineCommand({
  summary: 'list the contexts',
  options: { output: outputOption('table') },
  examples: ['rstream context list', 'rstream context list -o json'],
  async run({ options, globals }) {
    const { config } = await loadConfig(configPath({ flag: globals.config }));
    const contexts = listContexts(config);
    await printResult(options.output, contexts, () =>
      formatTable(contexts, {
        ' ': (context) => (context.default ? '*' : ' '),
        NAME: (context) => context.name,
        ENGINE: (context) => context.engine,
        API: (context) => context.apiUrl,
        TOKEN: (context) => (context.hasToken ? 'stored' : undefined),
      }),
    );
  },
});
