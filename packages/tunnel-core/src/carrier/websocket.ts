import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { carrierLimits } from '@rstream/protocol/limits';
import { sessionPath, websocketSubprotocol } from '@rstream/protocol/wire';
import { WebSocket, WebSocketServer, type ClientOptions, type ServerOptions } from 'ws';
import { armBound, type Bound } from '../bound.ts';
import { connectFailed, foreignAnswer, handshakeOptions, isTls, readRefusal, type Handshake } from './handshake.ts';
import { WebSocketStream } from './websocket-stream.ts';

/** Compression under a multiplexer costs five times the CPU and opens a door to decompression bombs: off at both ends. */
const both = {
  perMessageDeflate: false,
  autoPong: false,
  skipUTF8Validation: true,
  maxPayload: carrierLimits.websocketMessageIn.default,
  closeTimeout: carrierLimits.websocketCloseTimeout.default,
} as const;

/**
 * Opens the `websocket` carrier, for networks that let nothing else pass. Rejects as `connectUpgrade` does.
 */
export function connectWebSocket(handshake: Handshake, bound: Bound): Promise<Duplex> {
  const { target } = handshake;
  const secure = isTls(target);
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const url = `${secure ? 'wss' : 'ws'}://${host}:${target.port}${target.path ?? sessionPath}`;
  const { headers, servername, ca, rejectUnauthorized, minVersion } = handshakeOptions(handshake);
  const secureOptions = secure ? { servername, ca, rejectUnauthorized, minVersion, generateMask: zeroMask } : {};
  const options = { ...both, headers, ...secureOptions } as ClientOptions;
  return new Promise<Duplex>((resolve, reject) => {
    const socket = new WebSocket(url, [websocketSubprotocol], options);
    const disarm = armBound(bound, `Connecting to ${target.serverName}`, (error) => {
      reject(error);
      socket.terminate();
    });
    let connected = false;
    socket.once('upgrade', (response) => {
      connected = true;
      response.socket.setNoDelay(true);
    });
    socket.once('open', () => {
      disarm();
      socket.off('error', onError);
      resolve(new WebSocketStream(socket));
    });
    socket.once('unexpected-response', (request, response) => {
      void readRefusal(response, request).then(reject).finally(disarm);
    });
    const onError = (error: Error): void => {
      disarm();
      reject(connected ? foreignAnswer(`The websocket handshake failed: ${error.message}.`, 101) : connectFailed(target, error));
    };
    socket.on('error', onError);
  });
}

/** The work behind `acceptWebSocket`, in the file that is loaded only when a websocket is used. */
export function upgradeWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Duplex> {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!offered.includes(websocketSubprotocol)) {
    return Promise.reject(
      new RstreamError('INVALID_REQUEST', `This address speaks the websocket subprotocol ${websocketSubprotocol} only.`),
    );
  }
  if ('setNoDelay' in socket) (socket as IncomingMessage['socket']).setNoDelay(true);
  return new Promise<Duplex>((resolve, reject) => {
    const options: ServerOptions = { ...both, noServer: true, clientTracking: false, handleProtocols: () => websocketSubprotocol };
    const server = new WebSocketServer(options);
    server.on('wsClientError', (cause) => reject(new RstreamError('INVALID_REQUEST', cause.message, { cause })));
    socket.once('close', () => reject(new RstreamError('SESSION_LOST', 'The client left during the websocket handshake.')));
    server.handleUpgrade(request, socket, head, (accepted) => resolve(new WebSocketStream(accepted)));
  });
}

/**
 * Masking protects plain-text intermediaries from crafted bytes (RFC 6455 §10.3). Inside TLS there is none to protect, and a
 * mask of zeros leaves the bytes as they are, which saves two thirds of the CPU where no native masking is installed.
 */
function zeroMask(mask: Buffer): void {
  mask.fill(0);
}
