import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { acceptUpgrade, acceptWebSocket } from '@rstream/tunnel-core';
import { RstreamError } from '@rstream/protocol';
import type { ProjectRef } from '@rstream/protocol/claims';
import { sessionPath, upgradeProtocol } from '@rstream/protocol/wire';
import type { Relay } from '@rstream/relay';
import { grantIn, type Principal } from '../access.ts';
import type { Logger } from '../log.ts';
import { assertAllowed, type Authenticate, publicError } from './authenticate.ts';
import { WatchQuery } from './engine-routes.ts';
import { refuseUpgrade } from './refusal.ts';
import type { Services } from './route.ts';
import type { WatchSockets } from './watch-socket.ts';

export interface UpgradeFacts {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly requestId: string;
  readonly address: string;
  readonly project: ProjectRef;
}

export interface UpgradeOptions {
  readonly services: Services;
  readonly authenticate: Authenticate;
  readonly relay: Pick<Relay, 'admitCarrier'>;
  readonly watchSockets: WatchSockets;
  readonly logger: Logger;
}

/**
 * Answers upgrade requests of an engine host: session carriers and the WebSocket of events. The credential is proven and the
 * right evaluated before the protocol changes, so every refusal is an ordinary HTTP answer.
 */
export function createUpgrades(options: UpgradeOptions): (facts: UpgradeFacts) => Promise<void> {
  return async (facts) => {
    const { requestId, socket, request } = facts;
    const url = new URL(request.url ?? '/', 'http://engine');
    try {
      if (request.method !== 'GET') throw new RstreamError('METHOD_NOT_ALLOWED');
      if (url.pathname === sessionPath) await openSession(facts, url, options);
      else if (url.pathname === '/api/websocket') await openWatch(facts, url, options);
      else throw new RstreamError('NOT_FOUND', 'There is nothing to upgrade to at this address.');
    } catch (error) {
      const shown = publicError(error);
      const fields = { request_id: requestId, path: url.pathname, code: shown.code, address: facts.address };
      if (shown.code === 'INTERNAL') options.logger.error({ ...fields, err: error }, 'upgrade failed');
      else options.logger.info(fields, 'upgrade refused');
      refuseUpgrade(socket, shown, requestId);
    }
  };
}

async function openSession(facts: UpgradeFacts, url: URL, { authenticate, relay, logger }: UpgradeOptions): Promise<void> {
  const { request, socket, head, address, project, requestId } = facts;
  const protocol = request.headers.upgrade?.toLowerCase();
  if (protocol !== upgradeProtocol && protocol !== 'websocket') {
    throw new RstreamError('INVALID_REQUEST', `A session is opened with "Upgrade: ${upgradeProtocol}" or a WebSocket.`);
  }
  const principal = await prove(facts, url, authenticate, false);
  assertAllowed(principal.allows({ type: 'session.open', project }));
  if (socket.destroyed) return;
  const carrier = protocol === upgradeProtocol ? acceptUpgrade(request, socket, head) : await acceptWebSocket(request, socket, head);
  logger.info(
    { request_id: requestId, address, credential_id: principal.credentialId, project_id: project.id, carrier: protocol },
    'session carrier accepted',
  );
  relay.admitCarrier(carrier, { grant: grantIn(principal, project), remoteAddress: address });
}

async function openWatch(facts: UpgradeFacts, url: URL, { authenticate, services, watchSockets }: UpgradeOptions): Promise<void> {
  const { request, socket, head, project } = facts;
  if (request.headers.upgrade?.toLowerCase() !== 'websocket')
    throw new RstreamError('INVALID_REQUEST', 'This address speaks WebSocket only.');
  const principal = await prove(facts, url, authenticate, true);
  assertAllowed(principal.allows({ type: 'tunnel.list', project }));
  const query = WatchQuery.safeParse(Object.fromEntries(url.searchParams));
  if (!query.success) throw new RstreamError('INVALID_REQUEST', 'params: must be URL-encoded JSON with clients and tunnels filters.');
  if (socket.destroyed) return;
  const ended = new AbortController();
  services.watchers.take(ended.signal);
  socket.once('close', () => ended.abort());
  const grant = grantIn(principal, project);
  watchSockets.accept(request, socket, head, (signal) => services.inventory.watch(grant, query.data.params ?? {}, signal));
}

const prove = ({ request, address }: UpgradeFacts, url: URL, authenticate: Authenticate, queryTokenAllowed: boolean): Promise<Principal> =>
  authenticate({ authorization: request.headers.authorization, query: url.searchParams, address, queryTokenAllowed });
