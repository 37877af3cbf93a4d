import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { limits, toRstreamError } from '@rstream/protocol';
import type { EngineEvent } from '@rstream/protocol/tunnel';

const GOING_AWAY = 1001;
const POLICY = 1008;
const TRY_AGAIN = 1013;
/** Clients send nothing but pings on this socket. */
const MAX_MESSAGE = 4_096;

type Watch = (signal: AbortSignal) => AsyncIterable<EngineEvent>;

/** Sends events as text messages of WebSockets until they, or the sockets, end. */
export class WatchSockets {
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE, clientTracking: true });

  /** Takes over an upgrade request that is already allowed. `watch` is called once the socket is open. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, watch: Watch): void {
    this.#server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
      void pump(client, watch);
    });
  }

  close(): void {
    for (const client of this.#server.clients) {
      client.close(GOING_AWAY);
      client.terminate();
    }
    this.#server.close();
  }
}

async function pump(client: WebSocket, watch: Watch): Promise<void> {
  const closed = new AbortController();
  client.once('close', () => closed.abort());
  const heartbeat = setInterval(() => client.ping(), limits.control.watchHeartbeat.default);
  try {
    for await (const event of watch(closed.signal)) {
      if (client.bufferedAmount > limits.control.watchBufferBytes.default) return client.close(TRY_AGAIN, 'CAPACITY_EXHAUSTED');
      client.send(JSON.stringify(event));
    }
    client.close(GOING_AWAY);
  } catch (error) {
    const { code } = toRstreamError(error);
    client.close(code === 'UNAUTHORIZED' || code === 'FORBIDDEN' ? POLICY : TRY_AGAIN, code);
  } finally {
    clearInterval(heartbeat);
  }
}
