import type { ClientFilter } from '@rstream/protocol/tunnel';
import { defineCommand } from '../../command.ts';
import { integer, optionalChoice, parsePairs, repeated } from '../../option.ts';
import { withOperator } from '../../operator/with-operator.ts';
import { formatTable, outputOption, printResult } from '../../output.ts';

export const command = defineCommand({
  summary: 'list the connected clients',
  options: {
    status: optionalChoice('--status <status>', ['online', 'offline'], 'only clients in this state'),
    label: repeated('--label <key=value>', 'only clients with this label; repeatable'),
    limit: integer('--limit <n>', 'at most this many', { min: 1, max: 10_000 }),
    output: outputOption('table'),
  },
  examples: ['rstream client list', 'rstream client list --status online -o json'],
  async run({ options, globals, signal }) {
    const { status, label, limit } = options;
    const filters: ClientFilter = {
      ...(status === undefined ? {} : { status }),
      ...(label.length === 0 ? {} : { labels: parsePairs(label, '--label') }),
    };
    const hasFilter = Object.keys(filters).length > 0;
    const clients = await withOperator(globals, async (operator) =>
      (await operator.engine()).clients.list({ ...(hasFilter ? { filters } : {}), ...(limit === undefined ? {} : { limit }) }, { signal }),
    );
    await printResult(options.output, clients, () =>
      formatTable(clients, {
        ID: (client) => client.id,
        STATUS: (client) => client.status,
        AGENT: (client) => client.agent,
        VERSION: (client) => client.version,
        SYSTEM: (client) => [client.os, client.arch].filter((part) => part !== undefined).join('/'),
        USER: (client) => client.user_id,
      }),
    );
  },
});
