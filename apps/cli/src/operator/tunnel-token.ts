import type { Operator } from './operator.ts';

/** What a delegated token is for. */
export interface TunnelTokenRequest {
  readonly tunnelId: string;
  readonly projectId?: string | undefined;
  /** Opens this path and what is below it; without it, all of the tunnel. */
  readonly path?: string | undefined;
  readonly ttlSeconds: number;
}

/** Mints a delegated token that opens one tunnel, and there one path and what is below it. */
export async function mintTunnelToken(
  operator: Operator,
  { tunnelId, projectId, path, ttlSeconds }: TunnelTokenRequest,
  signal: AbortSignal,
): Promise<{ readonly token: string; readonly expires_at: string }> {
  const params =
    path === undefined || path === '/' ? {} : { params: { path: { regex: `${escapePattern(path.replace(/\/$/, ''))}(/.*)?` } } };
  const leaf = {
    ...(projectId === undefined ? {} : { projects: [projectId] }),
    scopes: { tunnels: { connect: { filters: { id: tunnelId }, ...params } } },
  };
  const request = { permissions: ['tunnels.streams.create-delete' as const], resources: { tunnels: leaf }, expires_in: ttlSeconds };
  const minted = await operator.mintToken(request, signal);
  return { token: minted.token, expires_at: minted.expires_at ?? new Date(Date.now() + ttlSeconds * 1000).toISOString() };
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
