import { configPath, deleteContext, updateConfig } from '@rstream/config';
import { defineCommand } from '../../command.ts';
import { outputOption, printResult } from '../../output.ts';

export const command = defineCommand({
  summary: 'remove a context',
  description: 'Its stored token is removed from the file too; the token itself stays valid until it is revoked or expires.',
  arguments: [{ name: '<name>', about: 'name of the context' }],
  options: { output: outputOption('none') },
  examples: ['rstream context delete home'],
  async run({ args: [name = ''], options, globals, signal }) {
    await updateConfig(
      configPath({ flag: globals.config }),
      (loaded) => {
        deleteContext(loaded, { name, apiUrl: globals.apiUrl });
      },
      { signal },
    );
    await printResult(options.output, { name, deleted: true }, () => `deleted ${name}`);
  },
});
