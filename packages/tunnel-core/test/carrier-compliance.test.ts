import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll } from 'vitest';
import { acceptUpgrade, acceptWebSocket, connectCarrier, requestedCarrier, type CarrierKind } from '../src/index.ts';
import { sessionCompliance } from '../src/testing.ts';

const accepted = Promise.withResolvers<Duplex>();
let arrival = accepted;
const server: Server = createServer().on('upgrade', (request, socket, head) => {
  const kind = requestedCarrier(request);
  const carrier = kind === 'websocket' ? acceptWebSocket(request, socket, head) : acceptUpgrade(request, socket, head);
  arrival.resolve(carrier);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
afterAll(() => void server.close());

async function ends(carrier: CarrierKind): Promise<{ ends: [Duplex, Duplex] }> {
  arrival = Promise.withResolvers<Duplex>();
  const target = { host: '127.0.0.1', port, serverName: `relay.localhost:${port}` };
  const near = await connectCarrier(target, { token: 'any', carrier });
  return { ends: [near, await arrival.promise] };
}

sessionCompliance('the upgrade carrier', () => ends('upgrade'));
sessionCompliance('the websocket carrier', () => ends('websocket'));
