import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Server side of the `websocket` carrier. The caller has authenticated the request. Rejects with `INVALID_REQUEST` when the
 * handshake is malformed or asks for another subprotocol; the socket is then still open, for the caller to refuse.
 */
export async function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Duplex> {
  socket.on('error', () => {});
  const { upgradeWebSocket } = await import('./websocket.ts');
  return upgradeWebSocket(request, socket, head);
}
