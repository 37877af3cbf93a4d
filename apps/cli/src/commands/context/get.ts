import { RstreamError } from '@rstream/protocol';
import { configPath, defaultContextName, findContext, loadConfig, viewContext } from '@rstream/config';
import { defineCommand } from '../../command.ts';
import { outputOption, printResult } from '../../output.ts';

export const command = defineCommand({
  summary: 'show one context, without its secrets',
  arguments: [{ name: '[name]', about: 'context; without it the selected one' }],
  options: { output: outputOption('yaml') },
  examples: ['rstream context get', 'rstream context get home -o json'],
  async run({ args: [given], options, globals }) {
    const { config } = await loadConfig(configPath({ flag: globals.config }));
    const name = given ?? globals.context ?? process.env['RSTREAM_CONTEXT'] ?? defaultContextName(config);
    if (name === undefined || name === '') throw new RstreamError('ERR_RSTREAM_CONTEXT_REQUIRED');
    const view = viewContext(findContext(config, { name, apiUrl: globals.apiUrl }), config);
    await printResult(options.output, view, () =>
      Object.entries(view)
        .map(([key, value]) => `${key.padEnd(16)}${String(value)}`)
        .join('\n'),
    );
  },
});
