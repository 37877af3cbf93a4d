import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** A TCP proxy that cuts every connection through it after a number of bytes, as often as it is told. */
export class CuttingProxy {
  cuts = 0;
  #every = 0;
  #most = 0;
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#accept(socket));
  #passed = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(to: number) {
    this.#to = to;
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on all connections end after so many bytes of both directions, again and again; 0: never. */
  cutEvery(bytes: number, most = Number.POSITIVE_INFINITY): void {
    this.#every = bytes;
    this.#most = most;
    this.#passed = 0;
    this.cuts = 0;
  }

  /** Settles with the next cut. */
  nextCut(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  cut(): void {
    this.cuts += 1;
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#passed = 0;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const upstream = connect(this.#to, '127.0.0.1');
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        this.#passed += chunk.length;
        if (this.#every > 0 && this.#passed > this.#every && this.cuts < this.#most) this.cut();
      });
      from.pipe(to);
    }
  }
}
