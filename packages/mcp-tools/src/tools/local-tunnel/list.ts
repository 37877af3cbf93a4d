import * as z from 'zod';
import type { RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { cleanupTool, leaseShape } from './shape.ts';

/** `rstream_local_tunnel_list`: what agents have published from this workstation and not yet stopped. */
export const localTunnelList = defineTool({
  name: 'rstream_local_tunnel_list',
  title: 'List published local services',
  description: 'List the local tunnels that agents opened on this workstation and that still run, also those of earlier sessions.',
  toolset: 'expose',
  surface: 'runtime',
  effect: 'read',
  input: z.strictObject({}),
  output: z.object({
    local_tunnels: z.array(z.object({ ...leaseShape, owner: z.enum(['self', 'other', 'none']) })),
    total: z.number(),
  }),
  async run(ports: RuntimePorts) {
    const leases = await ports.localTunnels.list();
    const local_tunnels = leases.map((lease) => ({ ...lease, cleanup_tool: cleanupTool, cleanup_id: lease.id }));
    return { data: { local_tunnels, total: leases.length } };
  },
});
