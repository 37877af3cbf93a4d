import type { TunnelFilter } from '@rstream/protocol/tunnel';
import { defineCommand } from '../../command.ts';
import { integer, optionalChoice, repeated, parsePairs, text } from '../../option.ts';
import { withOperator } from '../../operator/with-operator.ts';
import { formatTable, outputOption, printResult } from '../../output.ts';
import { forwardingOf } from '../../forwarding.ts';

export const command = defineCommand({
  summary: 'list the live tunnels',
  options: {
    name: text('--name <name>', 'only the tunnel of this name'),
    status: optionalChoice('--status <status>', ['online', 'offline'], 'only tunnels in this state'),
    label: repeated('--label <key=value>', 'only tunnels with this label; repeatable'),
    limit: integer('--limit <n>', 'at most this many', { min: 1, max: 10_000 }),
    output: outputOption('table'),
  },
  examples: ['rstream tunnel list', 'rstream tunnel list --label app=web -o json'],
  async run({ options, globals, signal }) {
    const { name, status, label, limit } = options;
    const filters: TunnelFilter = {
      ...(name === undefined ? {} : { name }),
      ...(status === undefined ? {} : { status }),
      ...(label.length === 0 ? {} : { labels: parsePairs(label, '--label') }),
    };
    const hasFilter = Object.keys(filters).length > 0;
    const tunnels = await withOperator(globals, async (operator) =>
      (await operator.engine()).tunnels.list({ ...(hasFilter ? { filters } : {}), ...(limit === undefined ? {} : { limit }) }, { signal }),
    );
    await printResult(options.output, tunnels, () =>
      formatTable(tunnels, {
        NAME: (tunnel) => tunnel.name,
        STATUS: (tunnel) => tunnel.status,
        FORWARDING: forwardingOf,
        PROTOCOL: (tunnel) => tunnel.protocol ?? tunnel.type,
        ID: (tunnel) => tunnel.id,
      }),
    );
  },
});
