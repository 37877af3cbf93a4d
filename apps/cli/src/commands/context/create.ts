import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  summary: 'not built yet',
  options: {},
  examples: ['rstream context create'],
  async run() {
    throw new RstreamError('FEATURE_NOT_AVAILABLE');
  },
});
