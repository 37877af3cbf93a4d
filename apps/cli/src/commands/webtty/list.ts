import { defineCommand } from '../../command.ts';
import { text } from '../../option.ts';
import { withOperator } from '../../operator/with-operator.ts';
import { formatTable, outputOption, printResult } from '../../output.ts';

export const command = defineCommand({
  summary: 'list the devices that take commands',
  options: {
    filter: text('--filter <filter>', 'part of a name, FIELD=VALUE or labels.KEY=VALUE; several with commas'),
    output: outputOption('table'),
  },
  examples: ['rstream webtty list', 'rstream webtty list --filter labels.site=lab -o json'],
  async run({ options, globals, signal }) {
    const servers = await withOperator(globals, (operator) => operator.listWebtty(options.filter, signal));
    await printResult(options.output, servers, () =>
      formatTable(servers, {
        TARGET: (server) => server.target,
        STATUS: (server) => server.status,
        URL: (server) => server.rstream_url,
        SYSTEM: (server) => server.os_pretty_name ?? server.os_family,
        CAN: (server) => server.capabilities.join(','),
        LABELS: (server) =>
          Object.entries(server.labels)
            .map(([key, value]) => `${key}=${value}`)
            .join(' '),
      }),
    );
  },
});
