import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
  lstatSync,
  type Dirent,
} from 'node:fs';
import { createServer, request as httpRequest, Agent, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSidecar, type Sidecar, type SidecarOptions } from '@rstream/webdav-sidecar';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A sidecar behind a real server, with a folder beside its root that must never be touched. */
export class World {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'rstream-fs-')));
  readonly root = join(this.folder, 'root');
  readonly outside = join(this.folder, 'outside');
  readonly warnings: Readonly<Record<string, unknown>>[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  sidecar!: Sidecar;
  #server!: Server;

  static async start(options: Partial<SidecarOptions> = {}, prepare: (world: World) => void = () => {}): Promise<World> {
    const world = new World();
    mkdirSync(world.root);
    mkdirSync(world.outside);
    writeFileSync(join(world.outside, 'secret.txt'), 'SECRET');
    prepare(world);
    const logger = { info: () => {}, warn: (fields: Readonly<Record<string, unknown>>) => void world.warnings.push(fields) };
    world.sidecar = createSidecar({ root: world.root, logger, ...options });
    world.#server = createServer({ maxHeaderSize: 65_536, keepAliveTimeout: 0 }, world.sidecar.handle).listen(0, '127.0.0.1');
    await once(world.#server, 'listening');
    return world;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}/fs`;
  }

  /** Sends one request; `path` goes out as it is. */
  async ask(method: string, path: string, { headers = {}, body }: Ask = {}): Promise<Answer> {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest({
      host: '127.0.0.1',
      port: this.port,
      method,
      path,
      agent: this.#agent,
      headers: { ...length, ...headers },
    });
    request.on('error', () => {}); // The other end may stop reading a body after its answer.
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    return { status: response.statusCode ?? 0, headers: response.headers, body: bytes, text: bytes.toString() };
  }

  /** Writes raw bytes to a new connection and returns the status of the first answer, 0 when there was none. */
  async raw(text: string): Promise<number> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(text);
    let received = '';
    for await (const chunk of socket) {
      received += String(chunk);
      if (received.includes('\r\n\r\n')) break;
    }
    return Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1] ?? 0);
  }

  async connection(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  file(name: string, content: string | Buffer = name): void {
    writeFileSync(join(this.root, name), content);
  }
  content(name: string): string {
    return readFileSync(join(this.root, name), 'utf8');
  }
  has(name: string): boolean {
    return lstatSync(join(this.root, name), { throwIfNoEntry: false }) !== undefined;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.close();
    this.#server.closeAllConnections();
    await this.sidecar.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Every entry below a folder, not through links (which a recursive `readdir` follows). */
function walk(folder: string): Dirent[] {
  const here = readdirSync(folder, { withFileTypes: true });
  return here.flatMap((entry) => (entry.isDirectory() ? [entry].concat(walk(join(folder, entry.name))) : entry));
}

/** Every entry below a folder with its kind and content, so that two moments can be compared. */
export function snapshot(folder: string): string[] {
  return walk(folder)
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const about = entry.isSymbolicLink() ? `-> ${readlinkSync(path)}` : entry.isFile() ? readFileSync(path, 'latin1') : '/';
      return `${path} ${about} ${lstatSync(path).mode}`;
    })
    .sort();
}

/** Names of hidden parts of uploads anywhere below a folder. */
export const litter = (folder: string): string[] => walk(folder).flatMap(({ name }) => (name.startsWith('.rstream-part-') ? [name] : []));
