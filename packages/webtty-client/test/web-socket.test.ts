import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { transportFromWebSocket } from '@rstream/webtty-client';

/** A browser's WebSocket, played by a test. */
class FakeWebSocket extends EventTarget {
  static readonly OPEN = 1;
  static last: FakeWebSocket;
  readyState = 0;
  binaryType = 'blob';
  bufferedAmount = 0;
  readonly sent: Uint8Array[] = [];
  readonly url: string;
  closedWith: number | undefined;

  constructor(url: string | URL) {
    super();
    this.url = String(url);
    FakeWebSocket.last = this;
  }

  open(): this {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
    return this;
  }
  message(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
  end(code: number, reason = ''): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }
  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }
  close(code: number): void {
    this.readyState = 2;
    this.closedWith = code;
  }
}

beforeEach(() => vi.stubGlobal('WebSocket', FakeWebSocket));
afterEach(() => vi.unstubAllGlobals());

const bytes = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;

async function opened(options = {}): Promise<{ socket: FakeWebSocket; transport: Awaited<ReturnType<typeof transportFromWebSocket>> }> {
  const opening = transportFromWebSocket('wss://device.example/', options);
  const socket = FakeWebSocket.last.open();
  return { socket, transport: await opening };
}

describe('a transport over a WebSocket', () => {
  it('reads and writes one message for each frame, and ends in order', async () => {
    const { socket, transport } = await opened();
    expect([transport.framing, socket.binaryType, socket.url]).toEqual(['messages', 'arraybuffer', 'wss://device.example/']);
    socket.message(bytes(1, 2));
    const first = transport.read();
    expect(await first).toEqual(new Uint8Array([1, 2]));
    const later = transport.read();
    socket.message(bytes(3));
    socket.message(bytes(4));
    socket.end(1000, 'finished');
    expect([await later, await transport.read(), await transport.read()]).toEqual([new Uint8Array([3]), new Uint8Array([4]), undefined]);
    await expect(async () => transport.write(new Uint8Array([1]))).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_LOST' });
  });

  it.each([
    [1001, 'ERR_RSTREAM_WEBTTY_LOST'],
    [1002, 'ERR_RSTREAM_WEBTTY_PROTOCOL'],
    [1006, 'ERR_RSTREAM_WEBTTY_LOST'],
    [1009, 'ERR_RSTREAM_WEBTTY_PROTOCOL'],
  ])('gives what came before a close with %i, then %s', async (code, expected) => {
    const { socket, transport } = await opened();
    socket.message(bytes(1));
    socket.end(code);
    expect(await transport.read()).toEqual(new Uint8Array([1]));
    await expect(transport.read()).rejects.toMatchObject({ code: expected });
  });

  it('waits with a write while much is under way', async () => {
    const { socket, transport } = await opened();
    socket.bufferedAmount = 300_000;
    let isDone = false;
    const writing = Promise.resolve(transport.write(new Uint8Array([1]))).then(() => (isDone = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect([socket.sent.length, isDone]).toEqual([1, false]);
    socket.bufferedAmount = 0;
    await writing;
  });

  it('fails, and hangs up, when more is sent than it may keep', async () => {
    const { socket, transport } = await opened({ queueBytes: 1_000 });
    for (let count = 0; count < 4; count += 1) socket.message(new ArrayBuffer(300));
    expect(socket.closedWith).toBe(1000);
    for (let count = 0; count < 2; count += 1) expect(await transport.read()).toHaveLength(300);
    await expect(transport.read()).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_OVERFLOW' });
  });

  it('does not fail for any amount that is read in time, however small the messages are', async () => {
    const { socket, transport } = await opened({ queueBytes: 1_000 });
    for (let count = 0; count < 100; count += 1) {
      socket.message(new ArrayBuffer(300));
      await transport.read();
    }
    for (let count = 0; count < 20; count += 1) socket.message(new ArrayBuffer(0));
    expect(socket.closedWith).toBe(1000);
  });

  it('takes a text frame for a broken peer', async () => {
    const { socket, transport } = await opened();
    socket.message('hello');
    await expect(transport.read()).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_PROTOCOL' });
  });

  it('says that it could not be opened, as browsers do not say why', async () => {
    const opening = transportFromWebSocket('wss://device.example/');
    FakeWebSocket.last.end(1006);
    await expect(opening).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_UNREACHABLE', details: { close_code: 1006 } });
  });

  it('gives up when it is told to, and lets a waiting read end when it is closed', async () => {
    const abort = new AbortController();
    const opening = transportFromWebSocket('wss://device.example/', { signal: abort.signal });
    abort.abort();
    expect(FakeWebSocket.last.closedWith).toBe(1000);
    FakeWebSocket.last.end(1006);
    await expect(opening).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_UNREACHABLE' });
    const { transport } = await opened();
    const reading = transport.read();
    transport.close();
    expect(await reading).toBeUndefined();
  });
});
