import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EngineEvent } from '@rstream/protocol/tunnel';
import type { CarrierIdentity, ConnectionOptions, Relay, RelayOptions } from '@rstream/relay';

/** A relay without tunnels: hands every connection on, keeps carriers open until their credential is revoked. */
export function createRelay(options: RelayOptions): Relay {
  const carriers = new Map<Duplex, string>();
  const unsubscribe = options.authority.onRevoked((id) => {
    for (const [carrier, credentialId] of carriers) if (credentialId === id) carrier.destroy();
  });
  const snapshot: EngineEvent = { type: 'state.initial', object: { snapshot_at: new Date(0).toISOString(), clients: [], tunnels: [] } };
  return {
    handleConnection: (socket: Socket, { onOther }: ConnectionOptions) => onOther(socket),
    admitCarrier(carrier: Duplex, { grant }: CarrierIdentity) {
      carriers.set(carrier, grant.credentialId);
      carrier.on('error', () => undefined);
      carrier.once('close', () => carriers.delete(carrier));
      carrier.resume();
    },
    inventory: {
      listTunnels: () => [],
      listClients: () => [],
      tunnel: () => ({}),
      async *watch(_grant, _params, signal) {
        yield snapshot;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
    },
    stats: () => ({ clients: carriers.size, tunnels: 0, edgeConnections: 0 }),
    drain: () => Promise.resolve(),
    async close() {
      unsubscribe();
      for (const carrier of carriers.keys()) carrier.destroy();
    },
  };
}
