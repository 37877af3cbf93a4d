import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP server of a test: its port, its live sockets, and one call that ends all of it. */
export interface TestServer {
  readonly port: number;
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

export async function listenTcp(onConnection: (socket: Socket) => void, port = 0): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A connected pair of real sockets, both half-open capable. */
export async function socketPair(): Promise<[Socket, Socket]> {
  const arrived = Promise.withResolvers<Socket>();
  const server = await listenTcp((socket) => arrived.resolve(socket));
  const near = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  near.on('error', () => {});
  await once(near, 'connect');
  const far = await arrived.promise;
  void new Promise((resolve) => far.once('close', resolve)).then(() => server.close());
  return [near, far];
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = await listenTcp(() => {});
  await server.close();
  return server.port;
}

/** A proxy that copies bytes and can stop doing so without closing anything. */
export async function dumbProxy(port: number): Promise<TestServer & { freeze(): void }> {
  let frozen = false;
  const copy = (from: Socket, to: Socket): void => {
    from.on('data', (chunk) => void (frozen || to.write(chunk)));
    from.on('end', () => void (frozen || to.end()));
    from.on('close', () => void (frozen || to.destroy()));
    from.on('error', () => {});
  };
  const proxy = await listenTcp((inbound) => {
    const outbound = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    copy(inbound, outbound);
    copy(outbound, inbound);
    inbound.on('close', () => outbound.destroy());
  });
  return { ...proxy, freeze: () => void (frozen = true) };
}
