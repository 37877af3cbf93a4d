import { RstreamError } from '@rstream/protocol';
import type { WebttyServer } from '@rstream/protocol/exec';
import { parseEngine } from '@rstream/tunnel-core';
import { findWebttyServer, shareSession, unshareSession } from '@rstream/webtty-client';
import type { Operator } from '../operator/operator.ts';
import { mintTunnelToken } from '../operator/tunnel-token.ts';
import { deviceAt } from '../remote-command/device.ts';

/** A link with which a browser looks at one terminal, and can do nothing else. */
export interface ShareLink {
  readonly session_id: string;
  readonly share_id: string;
  /** Holds the whole right to look: whoever has the link has it. */
  readonly link: string;
  readonly expires_at: string;
}

export interface ShareRequest {
  readonly url: string;
  readonly sessionId: string;
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

/**
 * Makes a read-only share on the device, and a token for the relay that opens this share's path only. When there is no token, the
 * share is taken back.
 * @throws RstreamError `ERR_RSTREAM_DEVICE_NOT_PUBLISHED`, `ERR_RSTREAM_SESSION_NOT_FOUND`
 */
export async function shareLink(operator: Operator, { url, sessionId, ttlMs, signal }: ShareRequest): Promise<ShareLink> {
  const server = findWebttyServer(await operator.listWebtty(undefined, signal), url);
  const address = publicAddress(server, operator.context.engine);
  const device = deviceAt(operator, url);
  const { shareId, secret, expiresAt } = await shareSession(await device.connect(signal), sessionId, { ttlMs, signal });
  try {
    const path = `/share/${shareId}/`;
    const ttlSeconds = Math.ceil(ttlMs / 1_000);
    const request = { tunnelId: server.tunnel_id, projectId: server.project_id, path, ttlSeconds };
    const token = await mintTunnelToken(operator, request, signal);
    const link = new URL(path, address);
    link.searchParams.set('rstream.token', token.token);
    link.hash = `${sessionId}.${secret}`;
    return { session_id: sessionId, share_id: shareId, link: link.href, expires_at: earlier(expiresAt.toISOString(), token.expires_at) };
  } catch (error) {
    await unshareSession(await device.connect(signal), sessionId, { shareId, signal }).catch(() => undefined);
    throw error;
  }
}

/** Where a browser finds the device: with TLS exactly when its engine is reached so. */
function publicAddress({ publish, host, target }: WebttyServer, engine: string | undefined): string {
  if (!publish || host === undefined) {
    throw new RstreamError('ERR_RSTREAM_DEVICE_NOT_PUBLISHED', `The device "${target}" is not published: no browser can reach it.`);
  }
  return `${parseEngine(engine ?? host).tls === undefined ? 'http' : 'https'}://${host}`;
}

const earlier = (a: string, b: string): string => (Date.parse(a) < Date.parse(b) ? a : b);
