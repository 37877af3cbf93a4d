import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { acceptUpgrade, acceptWebSocket, connectCarrier, createSession, type CarrierKind } from '@rstream/tunnel-core';
import type { Open } from './stream-cases.ts';

const host = '127.0.0.1';
const http2Window = 16 * 1024 * 1024;

/** One way to get many streams between two processes. */
export interface Variant {
  /** Listens and hands over each stream that the peer opens; returns the port. */
  listen(serve: (stream: Duplex) => void): Promise<number>;
  dial(port: number): Promise<Open>;
}

async function listenOn(server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const tcp: Variant = {
  listen: (serve) => listenOn(createServer({ allowHalfOpen: true, noDelay: true }, serve)),
  dial: (port) => Promise.resolve(() => connect({ port, host, allowHalfOpen: true, noDelay: true })),
};

const oursOverTcp: Variant = {
  listen: (serve) =>
    listenOn(createServer({ allowHalfOpen: true }, (socket) => void createSession(socket, { role: 'server', onStream: serve }))),
  dial: async (port) => {
    const socket = connect(port, host);
    await once(socket, 'connect');
    const session = createSession(socket, { role: 'client' });
    return () => session.open();
  },
};

function oursOver(carrier: CarrierKind): Variant {
  return {
    listen: (serve) => {
      const server = createHttpServer();
      server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
        void (async () => {
          const accepted = carrier === 'upgrade' ? acceptUpgrade(request, socket, head) : await acceptWebSocket(request, socket, head);
          createSession(accepted, { role: 'server', onStream: serve });
        })();
      });
      return listenOn(server);
    },
    dial: async (port) => {
      const target = { host, port, serverName: `${host}:${port}` };
      const session = createSession(await connectCarrier(target, { token: 'bench', carrier, signal: AbortSignal.timeout(5000) }), {
        role: 'client',
      });
      return () => session.open();
    },
  };
}

const http2: Variant = {
  listen: (serve) => {
    const server = createHttp2Server({ settings: { initialWindowSize: 1024 * 1024, maxConcurrentStreams: 10_000 } });
    server.on('session', (session) => session.setLocalWindowSize(http2Window));
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      serve(stream);
    });
    return listenOn(server);
  },
  dial: async (port) => {
    const session = connectHttp2(`http://${host}:${port}`, { settings: { initialWindowSize: 1024 * 1024 } });
    await once(session, 'connect');
    session.setLocalWindowSize(http2Window);
    return () => session.request({ ':method': 'POST' }, { endStream: false });
  },
};

/** Variants that run in Node; the Go pair is a program of its own. */
export const variants = {
  tcp,
  'ours/tcp': oursOverTcp,
  'ours/upgrade': oursOver('upgrade'),
  'ours/websocket': oursOver('websocket'),
  http2,
} as const satisfies Readonly<Record<string, Variant>>;

export type VariantName = keyof typeof variants;
