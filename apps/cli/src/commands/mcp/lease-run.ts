import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  summary: 'hold one local tunnel (started by mcp serve)',
  description: 'Reads what to hold as one line of JSON from stdin. Ends at its expiry, on SIGTERM, and with its parent unless it is kept.',
  arguments: [{ name: '<id>', about: 'id of the lease' }],
  options: {},
  examples: ['rstream mcp lease-run lt-0123456789ab'],
  signals: 'own',
  async run() {
    const { runLease } = await import('../../mcp/lease/run.ts');
    return await runLease({ stdin: process.stdin, stdout: process.stdout, log: process.stderr });
  },
});
