import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { upgradeProtocol } from '@rstream/protocol/wire';
import { armBound, type Bound } from '../bound.ts';
import { connectFailed, foreignAnswer, handshakeOptions, isTls, readRefusal, type Handshake } from './handshake.ts';

/**
 * Opens the `upgrade` carrier: one HTTP/1.1 request with `Upgrade: rstream-mux/1`, after whose 101 the connection carries raw
 * bytes. Rejects with the relay's own error, `ERR_RSTREAM_CARRIER_REFUSED` when something else answered, or
 * `ERR_RSTREAM_CONNECT_FAILED`.
 */
export function connectUpgrade(handshake: Handshake, bound: Bound): Promise<Duplex> {
  const { target } = handshake;
  const options = handshakeOptions(handshake, { Connection: 'Upgrade', Upgrade: upgradeProtocol });
  return new Promise<Duplex>((resolve, reject) => {
    let connected = false;
    const request = isTls(target) ? httpsRequest(options) : httpRequest(options);
    const disarm = armBound(bound, `Connecting to ${target.serverName}`, (error) => {
      reject(error);
      request.destroy(error);
    });
    request.once('socket', (socket) => {
      socket.once(isTls(target) ? 'secureConnect' : 'connect', () => {
        connected = true;
      });
    });
    request.once('upgrade', (response, socket, head) => {
      disarm();
      if (response.headers.upgrade?.toLowerCase() === upgradeProtocol) return resolve(rawCarrier(socket, head));
      socket.destroy();
      reject(foreignAnswer('Something on the way to the relay switched to another protocol.', 101));
    });
    request.once('response', (response) => {
      void readRefusal(response, request).then(reject).finally(disarm);
    });
    request.on('error', (error) => {
      disarm();
      const hungUp = connected && !RstreamError.is(error);
      reject(hungUp ? foreignAnswer('The connection was cut instead of answered.') : connectFailed(target, error));
    });
    request.end();
  });
}

/**
 * Server side of the `upgrade` carrier: writes the 101 and returns the connection as a stream of raw bytes, with what the
 * client had already sent in front. The caller has authenticated the request. Throws `INVALID_REQUEST` on another protocol.
 */
export function acceptUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Duplex {
  if (request.headers.upgrade?.toLowerCase() !== upgradeProtocol) {
    throw new RstreamError('INVALID_REQUEST', `This address upgrades to ${upgradeProtocol} only.`);
  }
  const carrier = rawCarrier(socket, head);
  carrier.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgradeProtocol}\r\n\r\n`);
  return carrier;
}

/** Frames are small and interactive: without `setNoDelay` every one waits for the acknowledgement of the one before (40 ms). */
function rawCarrier(socket: Duplex, head: Buffer): Duplex {
  socket.on('error', () => {});
  if ('setNoDelay' in socket) {
    (socket as Socket).setNoDelay(true);
    (socket as Socket).setTimeout(0);
  }
  if (head.length > 0) socket.unshift(head);
  return socket;
}
