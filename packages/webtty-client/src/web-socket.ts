import { limits, RstreamError } from '@rstream/protocol';
import type { WebttyTransport } from './transport.ts';

/** Written bytes that wait in the WebSocket above which `write` waits as well. */
const WRITE_AHEAD_BYTES = 262_144;
/** A WebSocket has no event for "sent": how often it is asked, ms, while somebody waits for it. */
const DRAIN_POLL = 20;
/** What a queued message costs beyond its bytes. */
const MESSAGE_OVERHEAD = 64;

/** How a WebSocket is used. */
export interface WebSocketOptions {
  /** Gives the attempt up, and later the connection. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of unread messages; default `limits.webtty.socketQueue`. */
  readonly queueBytes?: number | undefined;
}

/**
 * A transport over a web-standard WebSocket, one message for each frame. Resolves when it is open. Addresses are those of a
 * published device: `wss://HOST/`, where a program adds its token as `?rstream.token=…` (a browser that opened the page has a cookie).
 *
 * A WebSocket cannot be told to wait: what is not read yet is kept, up to a limit that a peer with credit never reaches.
 *
 * @throws RstreamError `ERR_RSTREAM_WEBTTY_UNREACHABLE` when it cannot be opened. Browsers tell nobody why.
 */
export async function transportFromWebSocket(target: string | URL | WebSocket, options: WebSocketOptions = {}): Promise<WebttyTransport> {
  const socket = target instanceof WebSocket ? target : new WebSocket(target);
  socket.binaryType = 'arraybuffer';
  const transport = new SocketTransport(socket, options.queueBytes ?? limits.webtty.socketQueue.default);
  const { signal } = options;
  const abort = (): void => transport.close();
  signal?.addEventListener('abort', abort, { once: true });
  socket.addEventListener('close', () => signal?.removeEventListener('abort', abort));
  if (signal?.aborted === true) abort();
  await transport.opened;
  return transport;
}

class SocketTransport implements WebttyTransport {
  readonly framing = 'messages';
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #limit: number;
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  #reader: (() => void) | undefined;
  /** Set once nothing more will come; with an error when that was no clean end. */
  #end: { readonly error?: RstreamError } | undefined;

  constructor(socket: WebSocket, limit: number) {
    this.#socket = socket;
    this.#limit = limit;
    this.opened = new Promise((resolve, reject) => {
      if (socket.readyState === WebSocket.OPEN) resolve();
      socket.addEventListener('open', () => resolve());
      // After `open` this settles nothing.
      socket.addEventListener('close', (event) => reject(unreachable(event)));
    });
    this.opened.catch(() => undefined);
    socket.addEventListener('message', (event: MessageEvent<unknown>) => this.#receive(event.data));
    socket.addEventListener('close', (event) => this.#finish(endOf(event)));
    // A `close` follows, and says as much as is to be known.
    socket.addEventListener('error', () => undefined);
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#queue.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#reader = resolve;
      });
    }
    const message = this.#queue.shift();
    if (message !== undefined) {
      this.#queued -= message.byteLength + MESSAGE_OVERHEAD;
      return message;
    }
    if (this.#end?.error !== undefined) throw this.#end.error;
    return undefined;
  }

  async write(message: Uint8Array): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) throw this.#end?.error ?? lost('The connection to the device is closed.');
    this.#socket.send(message as Uint8Array<ArrayBuffer>);
    while (this.#socket.readyState === WebSocket.OPEN && this.#socket.bufferedAmount > WRITE_AHEAD_BYTES) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL));
    }
  }

  close(): void {
    this.#finish({});
    this.#socket.close(1000);
  }

  #receive(data: unknown): void {
    if (this.#end !== undefined) return;
    if (!(data instanceof ArrayBuffer)) {
      return this.#fail(new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The peer sent a text frame; WebTTY messages are binary.'));
    }
    this.#queued += data.byteLength + MESSAGE_OVERHEAD;
    if (this.#queued > this.#limit) return this.#fail(new RstreamError('ERR_RSTREAM_WEBTTY_OVERFLOW'));
    this.#queue.push(new Uint8Array(data));
    return this.#wake();
  }

  #fail(error: RstreamError): void {
    this.#finish({ error });
    this.#socket.close(1000);
  }

  #finish(end: { readonly error?: RstreamError }): void {
    this.#end ??= end;
    this.#wake();
  }

  #wake(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.();
  }
}

const lost = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_WEBTTY_LOST', message);

/** Close codes (RFC 6455 §7.4.1): 1000 ends a session in order, 1005 stands for a close without a code. */
function endOf({ code, reason }: CloseEvent): { readonly error?: RstreamError } {
  switch (code) {
    case 1000:
    case 1005:
      return {};
    case 1002:
    case 1003:
    case 1009:
      return { error: new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', `The device refused a message (${code}).`) };
    case 1001:
      return { error: lost('The device is going away.') };
    default:
      return { error: lost(`The connection to the device broke (${code}${reason === '' ? '' : `, ${reason.slice(0, 100)}`}).`) };
  }
}

function unreachable({ code }: CloseEvent): RstreamError {
  return new RstreamError('ERR_RSTREAM_WEBTTY_UNREACHABLE', undefined, { details: { close_code: code } });
}
