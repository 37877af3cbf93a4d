import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import type { HostedConfig } from '../config/schema.ts';
import { parseListenAddress } from '../config/address.ts';
import type { Logger } from '../log.ts';
import { listen, stopListening } from './listen.ts';
import { readTlsPair, type TlsFiles, watchTlsFiles } from './tls-files.ts';

const TLS_HANDSHAKE_MS = 10_000;

/** The one public port, in clear text or over TLS. */
export interface PublicListener {
  readonly port: number;
  /** Stops accepting. */
  stop(): void;
}

export interface PublicListenerOptions {
  readonly config: Pick<HostedConfig, 'listen' | 'tls'>;
  readonly logger: Logger;
  /** Owns every connection from the moment it is accepted. */
  readonly onConnection: (socket: Socket) => void;
}

export async function openPublicListener({ config, logger, onConnection }: PublicListenerOptions): Promise<PublicListener> {
  const files = tlsFilesOf(config.tls);
  const { server, unwatch } = files === undefined ? clearServer(onConnection) : tlsServer(files, onConnection, logger);
  const { port } = await listen(server, parseListenAddress(config.listen)).catch((error: unknown) => {
    unwatch();
    throw error;
  });
  // Running out of file descriptors must not end the process; the next accept may succeed.
  server.on('error', (error) => logger.error({ err: error }, 'listener error'));
  return {
    port,
    stop() {
      unwatch();
      stopListening(server);
    },
  };
}

function tlsFilesOf({ cert, key }: HostedConfig['tls']): TlsFiles | undefined {
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

interface Opened {
  readonly server: Server;
  readonly unwatch: () => void;
}

function clearServer(onConnection: (socket: Socket) => void): Opened {
  return { server: createServer({ noDelay: true }, onConnection), unwatch: () => undefined };
}

function tlsServer(files: TlsFiles, onConnection: (socket: Socket) => void, logger: Logger): Opened {
  const options = {
    ...readTlsPair(files),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    handshakeTimeout: TLS_HANDSHAKE_MS,
  } as const;
  const server: TlsServer = createTlsServer({ ...options, noDelay: true }, onConnection);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return { server, unwatch: watchTlsFiles(files, (pair) => server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' }), logger) };
}
