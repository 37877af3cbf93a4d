import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { limits } from '@rstream/protocol';
import { SocketLink, type Caller, type CommandServer } from '@rstream/webtty-server';
import { refuse, refuseStream } from './answer.ts';
import { isAllowedOrigin } from './origin.ts';
import { sendAsset, sendPage } from './page.ts';
import { routeOf } from './routes.ts';

/** Something else that the endpoint serves, below a path of its own such as `/fs`. */
export interface Mount {
  readonly prefix: string;
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): void | Promise<void>;
}

export interface WebEndpointOptions {
  readonly commands: Pick<CommandServer, 'serveLink'>;
  /** Origins (`https://host`) or hosts whose pages may open a WebSocket, beside the endpoint's own. */
  readonly allowedOrigins?: readonly string[] | undefined;
  readonly mounts?: readonly Mount[] | undefined;
  /** Streams at once; default `limits.webtty.webConnections`. */
  readonly maxConnections?: number | undefined;
  /** Wait for a request, and for one to be whole, in ms; default `limits.webtty.webRequestTimeout`. */
  readonly requestTimeoutMs?: number | undefined;
}

export interface AcceptOptions {
  /** Serve what is mounted and nothing else: no page and no WebSocket. */
  readonly mountsOnly?: boolean | undefined;
}

/** A connection that nobody asks anything on is kept this long, ms. */
const KEEP_ALIVE = 60_000;
/** A stream that is ended has this long to be ended by its far end, ms. */
const CLOSE_TIMEOUT = 500;

/**
 * What a device publishes of itself: the page with the terminal, and WebTTY over WebSocket. Speaks HTTP/1.1 over the streams that it
 * is given; the relay has authorised each request of them, and all of one stream are of one caller.
 */
export class WebEndpoint {
  readonly #options: WebEndpointOptions;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #callers = new Map<Duplex, Caller>();
  readonly #mountsOnly = new WeakSet<Duplex>();
  readonly #deadlines = new WeakMap<Duplex, NodeJS.Timeout>();
  #isDraining = false;

  constructor(options: WebEndpointOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: limits.webtty.webHeadBytes.default, keepAlive: true }, this.#onRequest);
    // A client may end its side after its request and wait for the answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server.on('upgrade', (request, stream: Duplex, head) => this.#onUpgrade(request, stream, head));
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limits.webtty.messageBytes.default,
      perMessageDeflate: false,
      // Published clients ask for no subprotocol, and none is answered.
      handleProtocols: () => false,
    });
  }

  /** Streams that are open. */
  get connections(): number {
    return this.#callers.size;
  }

  /** Serves one stream of the relay, and owns it from now on. */
  accept(stream: Duplex, caller: Caller, { mountsOnly = false }: AcceptOptions = {}): void {
    const most = this.#options.maxConnections ?? limits.webtty.webConnections.default;
    if (this.#callers.size >= most) return refuseStream(stream, 503);
    stream.on('error', () => undefined);
    stream.once('close', () => {
      this.#callers.delete(stream);
      clearTimeout(this.#deadlines.get(stream));
    });
    this.#callers.set(stream, caller);
    if (mountsOnly) this.#mountsOnly.add(stream);
    this.#cutUnless(stream, this.#requestTimeout);
    this.#server.emit('connection', stream);
    return undefined;
  }

  /** Answers 503 from now on; terminals that run go on. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Ends whatever is open. A stream that is cut takes back what its far end has not read yet, so each may end first. */
  async close(): Promise<void> {
    this.drain();
    const open = [...this.#callers.keys()];
    const deadline = setTimeout(() => open.forEach((stream) => stream.destroy()), CLOSE_TIMEOUT);
    await Promise.all(
      open.map((stream) => {
        const closed = new Promise<void>((resolve) => stream.once('close', resolve));
        stream.end();
        stream.resume();
        return closed;
      }),
    );
    clearTimeout(deadline);
  }

  get #requestTimeout(): number {
    return this.#options.requestTimeoutMs ?? limits.webtty.webRequestTimeout.default;
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const stream = request.socket;
    // Only a body can still be under way, and nobody here wants one: an answer ends the connection of a request that has one.
    this.#cutUnless(stream, undefined);
    response.once('close', () => this.#cutUnless(stream, KEEP_ALIVE));
    void this.#answer(request, response).catch(() => stream.destroy());
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isDraining) return refuse(response, 503);
    const route = routeOf(request.url ?? '', { isUpgrade: false });
    if (route.kind === 'mounted') return this.#answerMounted(route.path, request, response);
    if (this.#mountsOnly.has(request.socket)) return refuse(response, 404);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, route.kind === 'none' ? 404 : 405);
    switch (route.kind) {
      case 'page':
        return sendPage(request, response);
      case 'asset':
        return sendAsset(route.name, request, response);
      case 'redirect':
        response.writeHead(308, { location: route.location, 'cache-control': 'no-store', 'content-length': 0 });
        response.end();
        return undefined;
      case 'socket':
      case 'none':
        return refuse(response, 404);
    }
  }

  async #answerMounted(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const mount = this.#options.mounts?.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
    if (mount === undefined) return refuse(response, 404);
    // A browser sends the cookie with what other pages of the site ask for, too.
    if (!this.#isFromAllowedOrigin(request)) return refuse(response, 403);
    await mount.handle(request, response, this.#callers.get(request.socket) ?? {});
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.#cutUnless(stream, this.#requestTimeout);
    const route = routeOf(request.url ?? '', { isUpgrade: true });
    const isWebSocket = request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
    if (route.kind !== 'socket' || !isWebSocket || this.#mountsOnly.has(stream)) return refuseStream(stream, 404);
    if (!this.#isFromAllowedOrigin(request)) return refuseStream(stream, 403);
    if (this.#isDraining) return refuseStream(stream, 503);
    const caller = this.#callers.get(stream) ?? {};
    this.#sockets.handleUpgrade(request, stream, head, (socket) => {
      this.#cutUnless(stream, undefined);
      const { shareId } = route;
      const only = shareId === undefined ? {} : { only: 'share' as const, shareId };
      void this.#options.commands.serveLink(new SocketLink(socket, stream), caller, only);
    });
    return undefined;
  }

  #isFromAllowedOrigin({ headers }: IncomingMessage): boolean {
    return isAllowedOrigin(headers.origin, headers.host, this.#options.allowedOrigins ?? []);
  }

  /** Cuts the stream after a while, in place of what was planned for it before; never, when undefined. */
  #cutUnless(stream: Duplex, afterMs: number | undefined): void {
    clearTimeout(this.#deadlines.get(stream));
    if (afterMs === undefined || stream.destroyed) return;
    const deadline = setTimeout(() => stream.destroy(), afterMs);
    deadline.unref();
    this.#deadlines.set(stream, deadline);
  }
}
