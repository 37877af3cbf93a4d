import type { ResolvedContext } from '@rstream/config';
import { createControlClient, type ControlClient } from '@rstream/control-client';
import { RstreamError } from '@rstream/protocol';
import { parseEngine, type CarrierTarget } from '@rstream/tunnel-core';
import { createNodeFetch, tlsSettings, type NodeFetch } from './node-fetch.ts';

/** The control plane of a context; undefined when it names none. */
export function contextControl(context: ResolvedContext, http: NodeFetch): ControlClient | undefined {
  const { apiUrl, headers } = context;
  if (apiUrl === undefined) return undefined;
  return createControlClient({ baseUrl: apiUrl, token: () => context.token, headers, fetch: http.fetch });
}

/**
 * The engine of a context: its own address, or the one that the control plane knows for its project.
 * @throws RstreamError `ERR_RSTREAM_CONTEXT_REQUIRED`, `ERR_RSTREAM_ENGINE_REQUIRED`, or that of the control plane
 */
export async function engineTarget(context: ResolvedContext): Promise<CarrierTarget> {
  const tls = tlsSettings(context.transport);
  const address = context.engine ?? (await projectEngine(context));
  if (address === undefined) {
    if (context.name === undefined) throw new RstreamError('ERR_RSTREAM_CONTEXT_REQUIRED');
    throw new RstreamError('ERR_RSTREAM_ENGINE_REQUIRED', `Context "${context.name}" names no engine.`);
  }
  const target = parseEngine(address);
  return target.tls === undefined || tls === undefined ? target : { ...target, tls };
}

/** The REST address of an engine. */
export function engineUrl({ tls, serverName }: CarrierTarget): string {
  return `${tls === undefined || tls === false ? 'http' : 'https'}://${serverName}`;
}

async function projectEngine(context: ResolvedContext): Promise<string | undefined> {
  const { projectEndpoint } = context;
  if (projectEndpoint === undefined || context.apiUrl === undefined) return undefined;
  const http = createNodeFetch(tlsSettings(context.transport));
  try {
    const project = await contextControl(context, http)?.projects.resolve(projectEndpoint);
    return project === undefined ? undefined : `${project.endpoint}.${project.domain}:${project.enginePort}`;
  } finally {
    http.close();
  }
}
