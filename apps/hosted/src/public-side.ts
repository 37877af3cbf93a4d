import { isIP, type Socket } from 'node:net';
import { createRelay, type Relay } from '@rstream/relay';
import type { Addresses } from './addresses.ts';
import { parseNetworks } from './config/address.ts';
import { peerTest } from './config/exposure.ts';
import type { HostedConfig } from './config/schema.ts';
import { createApiServer } from './http/api-server.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { controlRoutes } from './http/control-routes.ts';
import { engineRoutes } from './http/engine-routes.ts';
import { FailedAuthentications } from './http/failed-authentication.ts';
import { healthRoutes } from './http/health-routes.ts';
import type { Services } from './http/route.ts';
import { createRouter } from './http/router.ts';
import { createUpgrades } from './http/upgrades.ts';
import { WatcherPlaces } from './http/watcher-places.ts';
import { WatchSockets } from './http/watch-socket.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { State } from './state/state.ts';
import { relayAuthority } from './token-access.ts';

export interface PublicSideOptions {
  readonly config: HostedConfig;
  readonly addresses: Addresses;
  readonly state: State;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Everything behind the public port: the relay owns each connection first and hands on what is not for a tunnel. */
export interface PublicSide {
  readonly handleConnection: (socket: Socket) => void;
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export function createPublicSide({ config, addresses, state, logger, metrics }: PublicSideOptions): PublicSide {
  const { store, projects, access } = state;
  const isTrustedProxy = proxyTest(config);
  const mayConnect = peerTest(config, isTrustedProxy);
  const relay = createRelay({
    authority: relayAuthority(access),
    projects,
    baseHost: addresses.authority,
    secure: addresses.scheme === 'https',
    logger: logger.child({ part: 'relay' }),
    metrics: metrics.relay,
    isTrustedProxy,
  });
  metrics.observe(() => relay.stats());

  let draining = false;
  const services: Services = { store, projects, inventory: relay.inventory, watchers: new WatcherPlaces(), addresses, isReady };
  const watchSockets = new WatchSockets();
  const api = createApi({ services, relay, watchSockets, isTrustedProxy, state, logger, metrics });

  async function isReady(): Promise<boolean> {
    return (
      !draining &&
      (await store.ping().then(
        () => true,
        () => false,
      ))
    );
  }

  return {
    handleConnection(socket) {
      if (mayConnect(socket.remoteAddress ?? '')) relay.handleConnection(socket, { onOther: (other) => api.handleConnection(other) });
      else socket.destroy();
    },
    async drain(timeoutMs) {
      draining = true;
      await relay.drain(timeoutMs);
    },
    async close() {
      watchSockets.close();
      await relay.close();
      api.close();
    },
  };
}

interface ApiParts {
  readonly services: Services;
  readonly relay: Relay;
  readonly watchSockets: WatchSockets;
  readonly isTrustedProxy: (address: string) => boolean;
  readonly state: State;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

function createApi({ services, relay, watchSockets, isTrustedProxy, state, logger, metrics }: ApiParts) {
  const authenticate = createAuthenticate(state.access, new FailedAuthentications());
  const shared = { services, authenticate, logger };
  return createApiServer({
    baseName: services.addresses.baseName,
    projects: state.projects,
    isTrustedProxy,
    control: createRouter({ ...shared, title: 'rstream control plane', routes: controlRoutes }),
    engine: createRouter({ ...shared, title: 'rstream Engine API', routes: engineRoutes }),
    health: createRouter({ ...shared, title: 'rstream health', routes: healthRoutes }),
    upgrade: createUpgrades({ ...shared, relay, watchSockets }),
    onAnswer: metrics.apiAnswer,
    logger,
  });
}

function proxyTest({ trustedProxies }: HostedConfig): (address: string) => boolean {
  if (trustedProxies.length === 0) return () => false;
  const networks = parseNetworks(trustedProxies);
  return (peer) => {
    const address = peer.startsWith('::ffff:') ? peer.slice(7) : peer;
    const version = isIP(address);
    return version !== 0 && networks.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}
