import { EventEmitter } from 'node:events';
import { PassThrough, type Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { RstreamError } from '@rstream/protocol';
import { decodeMessage, encodeMessage, type Message } from '@rstream/protocol/webtty';
import { SocketLink, type MessageSocket } from '@rstream/webtty-server';

/** A WebSocket that does what a test says. */
class FakeSocket extends EventEmitter implements MessageSocket {
  readonly sent: Message[] = [];
  readonly calls: string[] = [];
  bufferedAmount = 0;
  isPaused = false;
  onPing = (): void => undefined;

  send(data: Uint8Array): void {
    this.sent.push(decodeMessage(data));
  }
  ping(): void {
    this.calls.push('ping');
    this.onPing();
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  close(code: number, reason: string): void {
    this.calls.push(`close ${code} ${reason}`);
  }
  terminate(): void {
    this.calls.push('terminate');
    this.emit('close');
  }
}

interface Linked {
  readonly socket: FakeSocket;
  readonly carrier: Duplex;
  readonly link: SocketLink;
  readonly got: Message[];
  readonly gone: Promise<RstreamError | undefined>;
}

function linked(pingInterval = 60_000): Linked {
  const socket = new FakeSocket();
  const carrier = new PassThrough();
  const link = new SocketLink(socket, carrier, pingInterval);
  const got: Message[] = [];
  const gone = new Promise<RstreamError | undefined>((resolve) => {
    link.listen({ onMessage: (message) => got.push(message), onGone: resolve });
  });
  return { socket, carrier, link, got, gone };
}

const heartbeat = Buffer.from(encodeMessage({ kind: 'heartbeat' }));

describe('a link over a WebSocket', () => {
  it('gives and takes one message for each frame', () => {
    const { socket, link, got } = linked();
    socket.emit('message', Buffer.from(encodeMessage({ kind: 'signal', name: 'SIGINT', cancel: false })), true);
    link.send({ kind: 'heartbeat' });
    link.sendData(2, Buffer.from('bad'));
    expect(got).toEqual([{ kind: 'signal', name: 'SIGINT', cancel: false }]);
    expect(socket.sent).toEqual([{ kind: 'heartbeat' }, { kind: 'data', type: 2, data: Buffer.from('bad') }]);
  });

  it('keeps what comes while it is held, and stops reading', () => {
    const { socket, link, got } = linked();
    link.hold();
    expect(socket.isPaused).toBe(true);
    socket.emit('message', heartbeat, true);
    expect(got).toEqual([]);
    link.listen({ onMessage: (message) => got.push(message), onGone: () => undefined });
    expect([got.length, socket.isPaused]).toEqual([1, false]);
  });

  it('asks its sources to pause while much is under way, and tells them when there is room', () => {
    const { socket, carrier, link } = linked();
    let drained = 0;
    link.onDrain(() => (drained += 1));
    expect(link.sendData(1, Buffer.alloc(10))).toBe(true);
    socket.bufferedAmount = 300_000;
    expect(link.sendData(1, Buffer.alloc(10))).toBe(false);
    expect(link.isIdle).toBe(false);
    carrier.emit('drain');
    expect(drained).toBe(1);
  });

  it('ends with finished after the last message, and waits for the peer no longer than it is told', async () => {
    const { socket, link } = linked();
    await link.close(20);
    expect(socket.calls).toEqual(['close 1000 finished', 'terminate']);
    link.send({ kind: 'heartbeat' });
    expect(socket.sent).toEqual([]);
    expect(socket.listenerCount('message')).toBe(1);
  });

  it('reads on while it closes, although it was held: else it would miss that the peer closed, too', async () => {
    const { socket, link } = linked();
    link.hold();
    const closing = link.close(60_000);
    expect(socket.isPaused).toBe(false);
    socket.emit('close');
    await closing;
  });

  it.each([
    ['a text frame', Buffer.from('hello'), false, 'close 1003 protocol error'],
    ['bytes that are no message', Buffer.from([0xff, 0xff, 0xff]), true, 'close 1002 protocol error'],
  ])('is over after %s, once, and closes with what went wrong', async (_name, data, isBinary, closing) => {
    const { socket, link, got, gone } = linked();
    socket.emit('message', data, isBinary);
    socket.emit('message', heartbeat, true);
    expect((await gone)?.code).toBe('ERR_RSTREAM_WEBTTY_PROTOCOL');
    expect(got).toEqual([]);
    await link.close(1);
    expect(socket.calls[0]).toBe(closing);
  });

  it('is gone without an error when the peer is, and with one for a broken frame', async () => {
    const left = linked();
    left.socket.emit('close');
    expect(await left.gone).toBeUndefined();
    expect(left.link.isGone).toBe(true);
    const broken = linked();
    broken.socket.emit('error', new RangeError('Max payload size exceeded'));
    broken.socket.emit('close');
    expect((await broken.gone)?.code).toBe('ERR_RSTREAM_WEBTTY_PROTOCOL');
  });

  it('cuts a peer that answers no ping', async () => {
    const { socket, gone } = linked(5);
    await gone;
    expect(socket.calls).toEqual(['ping', 'ping', 'ping', 'terminate']);
  });

  it('keeps a peer that answers, one that takes what is sent, and one that is not read', async () => {
    const answering = linked(2);
    const taking = linked(2);
    const held = linked(2);
    answering.socket.onPing = () => answering.socket.emit('pong');
    taking.socket.bufferedAmount = 1_000_000;
    taking.socket.onPing = () => (taking.socket.bufferedAmount -= 100);
    held.link.hold();
    await new Promise<void>((resolve) => {
      held.socket.onPing = () => {
        if (held.socket.calls.length >= 12) resolve();
      };
    });
    for (const { socket, link } of [answering, taking, held]) {
      expect(socket.calls).not.toContain('terminate');
      socket.terminate();
      expect(link.isGone).toBe(true);
    }
  });
});
