import type { Server } from 'node:net';
import { RstreamError } from '@rstream/protocol';
import { formatAddress, type ListenAddress } from '../config/address.ts';

/** Opens a server and returns where it listens. @throws RstreamError `ERR_RSTREAM_HOSTED_LISTEN` */
export async function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new RstreamError('ERR_RSTREAM_HOSTED_LISTEN', `Cannot listen on ${formatAddress(address)}: ${reason}.`, { cause });
  }
  const bound = server.address();
  return { host: address.host, port: typeof bound === 'object' && bound !== null ? bound.port : address.port };
}

/** Stops accepting; resolves when the port is free. Connections that are open stay with their owners. */
export function stopListening(server: Server): void {
  if (server.listening) server.close();
}
