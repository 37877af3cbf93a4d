import { mcpLimits } from '@rstream/protocol/limits';
import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { integer, projectInputs, projectOf, text } from '../../tool/inputs.ts';

/** The fields of a device that an agent acts on; the rest of the inventory would only fill its context. */
const server = z.object({
  target: z.string(),
  rstream_url: z.string(),
  status: z.string(),
  tunnel_name: z.string().optional(),
  tunnel_id: z.string(),
  hostname: z.string().optional(),
  os_family: z.string().optional(),
  os_pretty_name: z.string().optional(),
  arch: z.string().optional(),
  capabilities: z.array(z.string()),
  exec_path: z.string(),
  fs_path: z.string().optional(),
  fs_mode: z.string().optional(),
  fs_backend: z.string().optional(),
  server_id: z.string().optional(),
  server_name: z.string().optional(),
  host_key_id: z.string().optional(),
  labels: z.record(z.string(), z.string()),
});

/** `rstream_webtty_list`: the devices that can run commands. */
export const webttyList = defineTool({
  name: 'rstream_webtty_list',
  title: 'List devices',
  description:
    'Find the devices (WebTTY servers) of the project that can run commands; pass rstream_url to rstream_webtty_exec. Not for tunnels of this workstation.',
  toolset: 'webtty',
  surface: 'runtime',
  effect: 'read',
  openWorld: true,
  input: z.strictObject({
    name: text(128, 'Whole tunnel name, server name, target or id.'),
    filter: text(1024, 'FIELD=VALUE or labels.KEY=VALUE, several with commas; without "=" a part of the name.'),
    limit: integer(1, mcpLimits.listItemsMax.default).default(mcpLimits.listItems.default),
    ...projectInputs,
  }),
  output: z.object({ servers: z.array(server), total: z.number(), truncated: z.boolean() }),
  async run(ports: RuntimePorts, input, { signal }) {
    const filter = {
      ...(input.name === undefined ? {} : { name: input.name }),
      ...(input.filter === undefined ? {} : { filter: input.filter }),
    };
    const servers = await ports.inventory.listWebtty(filter, { signal, ...projectOf(input) });
    const data = { servers: servers.slice(0, input.limit), total: servers.length, truncated: servers.length > input.limit };
    return { data };
  },
});
