import { RstreamError } from '@rstream/protocol';
import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  summary: 'serve the MCP tools over stdin and stdout',
  options: {},
  examples: ['rstream mcp serve'],
  signals: 'own',
  async run() {
    throw new RstreamError('FEATURE_NOT_AVAILABLE');
  },
});
