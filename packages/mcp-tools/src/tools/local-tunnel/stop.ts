import { RstreamError, toRstreamError } from '@rstream/protocol';
import * as z from 'zod';
import type { Lease, RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { flag, text } from '../../tool/inputs.ts';

const inventory = z.enum(['gone', 'unconfirmed']);

/** The leases a call is about. `all` leaves those of other running servers alone. */
function chosen(
  leases: readonly Lease[],
  input: { readonly id?: string | undefined; readonly all?: boolean | undefined },
): readonly Lease[] {
  if (input.all === true) return leases.filter((lease) => lease.owner !== 'other');
  if (input.id === undefined) throw new RstreamError('ERR_RSTREAM_MCP_ARGUMENTS', 'Give an id, or all: true.');
  const lease = leases.find(({ id, tunnel_id }) => id === input.id || tunnel_id === input.id);
  if (lease === undefined) throw new RstreamError('ERR_RSTREAM_LEASE_NOT_FOUND', `No local tunnel has the id "${input.id}".`);
  return [lease];
}

/** `rstream_local_tunnel_stop`: ends leases and proves it. */
export const localTunnelStop = defineTool({
  name: 'rstream_local_tunnel_stop',
  title: 'Stop a published local service',
  description: 'Stop a local tunnel by its cleanup_id, or all of them, and confirm that it is gone. Use it when the task is done.',
  toolset: 'expose',
  surface: 'runtime',
  effect: 'destroy',
  idempotent: true,
  openWorld: true,
  input: z.strictObject({ id: text(128), all: flag('Every tunnel but those of other running servers.').optional() }),
  output: z.object({
    stopped: z.boolean(),
    id: z.string().optional(),
    tunnel_id: z.string().optional(),
    pid: z.number().optional(),
    inventory: inventory.optional(),
    tunnels: z.array(z.object({ id: z.string(), tunnel_id: z.string(), pid: z.number(), inventory })).optional(),
    failed: z.array(z.object({ id: z.string(), error: z.string() })).optional(),
  }),
  async plan(ports: RuntimePorts, input) {
    const foreign = chosen(await ports.localTunnels.list(), input).find((lease) => lease.owner === 'other');
    if (foreign === undefined) return undefined;
    return { summary: `Stop ${foreign.name}, which another running agent opened?`, effects: [`${foreign.url} stops answering.`] };
  },
  async run(ports, input, { signal }) {
    const leases = chosen(await ports.localTunnels.list(), input);
    if (input.all !== true) {
      const [lease] = leases;
      return { data: { stopped: true, ...(await ports.localTunnels.stop(lease?.id ?? '', { signal })) } };
    }
    const results = await Promise.allSettled(leases.map(({ id }) => ports.localTunnels.stop(id, { signal })));
    const tunnels = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = results.flatMap((result, at) =>
      result.status === 'fulfilled' ? [] : [{ id: leases[at]?.id ?? '', error: toRstreamError(result.reason).message }],
    );
    return { data: { stopped: failed.length === 0, tunnels, ...(failed.length === 0 ? {} : { failed }) }, failed: failed.length > 0 };
  },
});
