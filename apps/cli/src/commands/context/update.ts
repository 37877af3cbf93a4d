import { configPath, findContext, updateConfig, updateContext, useContext, viewContext } from '@rstream/config';
import { defineCommand } from '../../command.ts';
import { flag, usage } from '../../option.ts';
import { outputOption, printResult } from '../../output.ts';
import { contextChange, contextFields } from './fields.ts';

export const command = defineCommand({
  summary: 'change a context',
  description: 'Only what is given changes; comments and other settings in the file stay.',
  arguments: [{ name: '<name>', about: 'name of the context' }],
  options: { ...contextFields, default: flag('--default', 'make it the default'), output: outputOption('none') },
  examples: ['rstream context update home --token-file new.token', 'rstream context update home --engine f587ee53.example.com'],
  async run({ args: [name = ''], options, globals, signal }) {
    const change = await contextChange(options, signal);
    if (Object.keys(change).length === 0 && !options.default) throw usage('Nothing to change was given.');
    // With several contexts of one name, `--api-url` says which one; then it is no change.
    const { config } = await updateConfig(
      configPath({ flag: globals.config }),
      (loaded) => {
        const same = (loaded.config.contexts ?? []).filter((context) => context.name === name).length;
        const selector = { name, apiUrl: same > 1 ? (change.apiUrl ?? undefined) : undefined };
        updateContext(loaded, selector, change);
        if (options.default) useContext(loaded, selector);
      },
      { signal },
    );
    const apiUrl = change.apiUrl ?? undefined;
    await printResult(options.output, viewContext(findContext(config, { name, apiUrl }), config), () => `updated ${name}`);
  },
});
