import { defineCommand } from '../../command.ts';
import { commaList, flag } from '../../option.ts';
import { contextFlags } from '../../globals.ts';

export const command = defineCommand({
  summary: 'serve the MCP tools over stdin and stdout',
  description: [
    'For coding agents: started by the agent, not by hand. Speaks the 2026-07-28 revision of MCP and the 2025 handshake line.',
    'Nothing touches the network before a tool needs it. Ends on end of input, SIGTERM and SIGINT, and takes the local tunnels that it opened with it, unless they were opened with keep.',
    'Running commands on devices is bounded by the device and by the approval rules of the agent; --confirm exec asks the user here as well.',
  ].join('\n\n'),
  options: {
    tools: commaList('--tools <names>', 'offer only these tools, e.g. runtime_status,webtty_list,exec'),
    toolset: commaList('--toolset <names>', 'offer only these groups: core, webtty, expose'),
    readOnly: flag('--read-only', 'offer only tools that change nothing'),
    confirm: commaList('--confirm <names>', 'ask the user before these tools too, e.g. exec'),
  },
  examples: ['rstream codex setup', 'rstream mcp serve --read-only', 'rstream mcp serve --toolset core,webtty --confirm exec'],
  signals: 'own',
  async run({ options, globals }) {
    const { serveMcp } = await import('../../mcp/serve.ts');
    await serveMcp({
      flags: contextFlags(globals),
      confirm: options.confirm ?? [],
      selection: {
        readOnly: options.readOnly,
        ...(options.tools === undefined ? {} : { tools: options.tools }),
        ...(options.toolset === undefined ? {} : { toolsets: options.toolset }),
      },
    });
  },
});
