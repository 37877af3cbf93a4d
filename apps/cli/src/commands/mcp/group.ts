import type { CommandGroup } from '../../command.ts';

/** `rstream mcp …`: light data only, each verb is loaded when it runs. */
export const mcpGroup: CommandGroup = {
  summary: 'serve rstream to a coding agent over MCP',
  commands: {
    serve: { summary: 'serve the MCP tools over stdin and stdout', load: async () => (await import('./serve.ts')).command },
    'lease-run': {
      summary: 'hold one local tunnel (started by mcp serve)',
      hidden: true,
      load: async () => (await import('./lease-run.ts')).command,
    },
  },
};
