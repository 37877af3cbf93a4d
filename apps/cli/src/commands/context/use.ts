import { configPath, findContext, updateConfig, useContext, viewContext } from '@rstream/config';
import { defineCommand } from '../../command.ts';
import { outputOption, printResult } from '../../output.ts';

export const command = defineCommand({
  summary: 'make a context the default',
  arguments: [{ name: '<name>', about: 'name of the context' }],
  options: { output: outputOption('none') },
  examples: ['rstream context use home'],
  async run({ args: [name = ''], options, globals, signal }) {
    const selector = { name, apiUrl: globals.apiUrl };
    const { config } = await updateConfig(
      configPath({ flag: globals.config }),
      (loaded) => {
        useContext(loaded, selector);
      },
      { signal },
    );
    await printResult(options.output, viewContext(findContext(config, selector), config), () => `using ${name}`);
  },
});
