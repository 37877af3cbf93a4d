import { RstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import { tokenQueryParameter } from '@rstream/protocol/wire';
import * as z from 'zod';
import type { CallOptions, Lease, RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';
import { projectOf } from '../../tool/inputs.ts';
import { exposeInput, isPublic, tunnelProperties, type ExposeInput } from './properties.ts';
import { cleanupTool, leaseShape } from './shape.ts';

const READY_SECONDS = 600;

/** `rstream_local_tunnel_expose`: publishes a service of this workstation as a lease. */
export const localTunnelExpose = defineTool({
  name: 'rstream_local_tunnel_expose',
  title: 'Publish a local service',
  description:
    'Publish a port of this workstation (a dev server, an API) under a URL, token-protected by default, until it expires or is stopped. Not for services on a device.',
  toolset: 'expose',
  surface: 'runtime',
  effect: 'write',
  openWorld: true,
  input: exposeInput,
  output: z.object({
    ...leaseShape,
    ready_url: z.string().optional(),
    ready_url_expires_at: z.string().optional(),
  }),
  plan: (_ports: RuntimePorts, input) =>
    isPublic(tunnelProperties(input))
      ? {
          summary: `Publish ${input.host ?? 'localhost'}:${input.port} without any authentication?`,
          effects: ['Everybody who has the URL can reach the service until the tunnel is stopped or expires.'],
        }
      : undefined,
  deadline: () => mcpLimits.leaseStart.default + mcpLimits.abortGrace.default,
  async run(ports, input, { signal, progress }) {
    const properties = tunnelProperties(input);
    if (input.ready_url === true && properties.token_auth !== true) {
      throw new RstreamError('INVALID_REQUEST', 'ready_url is for token-protected tunnels only.', {
        next: 'Leave ready_url or token_auth: false out.',
      });
    }
    const options = { signal, ...projectOf(input) };
    const request = {
      host: input.host ?? 'localhost',
      port: input.port,
      properties,
      keep: input.keep ?? false,
      ttlSeconds: input.expires_in_seconds ?? mcpLimits.leaseTtl.default,
    };
    progress('opening the tunnel');
    const lease = await ports.localTunnels.expose(request, options);
    const ready = input.ready_url === true ? await readyUrl(ports, lease, { input, options }) : {};
    const links = lease.publish ? [{ uri: lease.url, name: lease.name, mimeType: 'text/html' }] : [];
    return { data: { ...lease, cleanup_tool: cleanupTool, cleanup_id: lease.id, ...ready }, links };
  },
});

/** A tunnel whose token cannot be minted is stopped again: the caller asked for both or neither. */
async function readyUrl(
  ports: RuntimePorts,
  lease: Lease,
  { input, options }: { readonly input: ExposeInput; readonly options: CallOptions },
): Promise<{ ready_url: string; ready_url_expires_at: string }> {
  try {
    const { token, expires_at } = await ports.tokens.mintForTunnel(
      {
        tunnelId: lease.tunnel_id,
        ttlSeconds: input.ready_seconds ?? READY_SECONDS,
        ...(lease.project_id === undefined ? {} : { projectId: lease.project_id }),
        ...(input.ready_path === undefined ? {} : { path: input.ready_path }),
      },
      options,
    );
    const url = new URL(input.ready_path ?? '/', lease.url);
    url.searchParams.set(tokenQueryParameter, token);
    return { ready_url: url.href, ready_url_expires_at: expires_at };
  } catch (error) {
    // The caller learns why there is no token; that the clean-up also failed would only hide it.
    await ports.localTunnels.stop(lease.id, { signal: AbortSignal.timeout(mcpLimits.leaseGone.default) }).catch(() => undefined);
    throw error;
  }
}
