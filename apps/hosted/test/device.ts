import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CarrierTarget, type Connection, forwardTo, keepConnected } from '@rstream/tunnel-core';
import { protocolVersion } from '@rstream/protocol';
import type { TunnelProperties } from '@rstream/protocol/tunnel';

export interface Device {
  readonly connection: Connection;
  readonly service: Server;
  /** Public address of the tunnel, and its authority. */
  readonly forwarding: string;
  readonly host: string;
  /** Resolves with the next status of the tunnel that has this state. */
  untilTunnel(state: string): Promise<void>;
  close(): Promise<void>;
}

export interface DeviceOptions {
  readonly engine: string | CarrierTarget;
  readonly carrier?: 'upgrade' | 'websocket';
  readonly token: string;
  readonly properties?: TunnelProperties;
  readonly service: RequestListener;
}

/** A device that publishes a small HTTP service through the engine. */
export async function startDevice({
  engine,
  token,
  carrier = 'upgrade',
  properties = {},
  service: handler,
}: DeviceOptions): Promise<Device> {
  const service = createServer(handler).listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo;
  const client = { agent: 'hosted-test', version: '0', protocol_version: protocolVersion };
  const connection = keepConnected({ engine, token, carrier, client, retry: { minDelay: 50, maxDelay: 200 } });
  const listener = connection.listen({ name: 'web', protocol: 'http', ...properties }, forwardTo({ host: '127.0.0.1', port }));
  const untilTunnel = (state: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (status: { readonly state: string }): void => {
        if (status.state !== state) return;
        listener.off('status', look);
        resolve();
      };
      listener.on('status', look);
    });
  const forwarding = await new Promise<string>((resolve, reject) => {
    listener.on('status', ({ state, error, forwarding }) => {
      if (state === 'online' && forwarding !== undefined) resolve(forwarding);
      if (state === 'failed') reject(error ?? new Error('the tunnel failed'));
    });
  });
  return {
    connection,
    service,
    forwarding,
    host: new URL(forwarding).host,
    untilTunnel,
    async close() {
      await connection.close();
      service.closeAllConnections();
      service.close();
    },
  };
}
