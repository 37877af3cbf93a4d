import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  summary: 'not built yet',
  options: {},
  examples: ['rstream forward'],
  async run() {
    throw new RstreamError('FEATURE_NOT_AVAILABLE');
  },
});
