import { configPath, createContext, findContext, updateConfig, viewContext } from '@rstream/config';
import { defineCommand } from '../../command.ts';
import { flag, usage } from '../../option.ts';
import { outputOption, printResult } from '../../output.ts';
import { contextChange, contextFields } from './fields.ts';

export const command = defineCommand({
  summary: 'add a context',
  description: 'The first context becomes the default. The token is stored in the configuration file, which only you can read.',
  arguments: [{ name: '<name>', about: 'name of the context' }],
  options: { ...contextFields, default: flag('--default', 'make it the default'), output: outputOption('none') },
  examples: [
    'rstream context create home --engine f587ee53.rstream.localhost:8080 --token-file owner.token --no-api-url --default',
    'rstream context create work --engine f587ee53.example.com --api-url https://example.com --token-stdin < token',
  ],
  async run({ args: [name = ''], options, globals, signal }) {
    const { apiUrl = process.env['RSTREAM_API_URL'] ?? null, ...change } = await contextChange(options, signal);
    if (change.engine === undefined && (apiUrl === null || change.projectEndpoint === undefined)) {
      throw usage('A context needs --engine, or --api-url with --project-endpoint.');
    }
    const { config } = await updateConfig(
      configPath({ flag: globals.config }),
      (loaded) => {
        createContext(loaded, name, { ...change, apiUrl, makeDefault: options.default });
      },
      { signal },
    );
    const view = viewContext(findContext(config, { name, apiUrl: apiUrl ?? undefined }), config);
    await printResult(options.output, view, () => `created ${name}`);
  },
});
