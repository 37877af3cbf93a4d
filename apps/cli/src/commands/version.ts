import { productVersion, protocolVersion } from '@rstream/protocol';
import { defineCommand } from '../command.ts';
import { outputOption, printResult } from '../output.ts';

export const command = defineCommand({
  summary: 'print the version',
  options: { output: outputOption('table') },
  examples: ['rstream version', 'rstream version -o json'],
  async run({ options }) {
    const value = { version: productVersion, protocol_version: protocolVersion, node: process.versions.node };
    await printResult(options.output, value, () => `rstream ${value.version} (protocol ${value.protocol_version}, Node ${value.node})`);
  },
});
