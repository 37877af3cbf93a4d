import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { duplexPair, type Duplex } from 'node:stream';
import { RstreamError, toRstreamError } from '@rstream/protocol';
import { fileQueryParameter } from '@rstream/protocol/files';
import { limits } from '@rstream/protocol/limits';
import type { Forward } from '@rstream/tunnel-core';
import { createSidecar } from '@rstream/webdav-sidecar';
import { createFilesClient, type FilesClient } from '../client.ts';
import type { BasicCredential } from '../gateway/access.ts';
import { createFileHttp } from '../http.ts';
import { segmentsOf } from '../path.ts';
import { statusOf } from '../status-error.ts';
import { listFolder, previewOf, searchNames } from './look.ts';
import { loginCheck } from './logins.ts';
import { browseAddress, filePage, folderPage, messagePage, resultsPage, sharePaths } from './page.ts';
import { style } from './style.ts';

export interface ShareOptions {
  /** What is shared is called so on the page. */
  readonly name: string;
  /** The folder, or the folder that the file is in. */
  readonly root: string;
  /** Name of the file, when one file is shared. */
  readonly file: string | undefined;
  readonly hides: (segments: readonly string[]) => boolean;
  /** Ask for it; without it the relay has asked for a token. */
  readonly credential: BasicCredential | undefined;
}

/** A read-only share of a folder or a file, over the streams that it is given. */
export interface Share {
  readonly handler: Forward;
  close(): Promise<void>;
}

const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'private, no-cache',
} as const;

/** What of the queries of a sidecar a visitor may ask. */
const queries = new Set(['info', 'hash', 'tree', 'search', 'archive']);
const reading = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND']);

export function createShare(options: ShareOptions): Share {
  const sidecar = createSidecar({ root: options.root, readOnly: true, hides: options.hides });
  // The page looks at the files as everybody does: through the sidecar, over a stream that leads nowhere else.
  const inner = createServer(sidecar.handle);
  const http = createFileHttp({ open: async () => connectTo(inner), host: 'share' });
  const visitors = new Visitors(options, sidecar.handle, createFilesClient(http, '/fs'));
  const server = createServer({ keepAlive: true, maxHeaderSize: limits.webtty.webHeadBytes.default }, visitors.answer);
  const streams = new Set<Duplex>();
  const handler: Forward = Object.assign(
    (stream: Duplex, _header: unknown, accept: () => void, refuse: (error: RstreamError) => void) => {
      if (streams.size >= limits.files.shareRequests.default) return refuse(new RstreamError('CAPACITY_EXHAUSTED'));
      streams.add(stream);
      stream.on('error', () => {});
      stream.once('close', () => streams.delete(stream));
      accept();
      server.emit('connection', stream);
    },
    { close: () => {} },
  );
  return {
    handler,
    async close() {
      for (const stream of streams) stream.destroy();
      http.close();
      await sidecar.close();
    },
  };
}

function connectTo(server: Server): Duplex {
  const [near, far] = duplexPair();
  server.emit('connection', far);
  return near;
}

/** Answers those who come. */
class Visitors {
  readonly #options: ShareOptions;
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => void;
  readonly #client: FilesClient;
  readonly #login: ReturnType<typeof loginCheck> | undefined;

  constructor(options: ShareOptions, serve: (request: IncomingMessage, response: ServerResponse) => void, client: FilesClient) {
    this.#options = options;
    this.#serve = serve;
    this.#client = client;
    this.#login = options.credential === undefined ? undefined : loginCheck(options.credential);
  }

  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    this.#route(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else this.#sendPage(response, statusFor(error), messagePage(this.#options.name, sentenceFor(error)));
    });
  };

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const login = this.#login?.(request) ?? 'right';
    if (login !== 'right') return refuse(response, login === 'later' ? 429 : 401);
    if (!reading.has(request.method ?? '')) return refuse(response, 405);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://share');
    if (pathname === '/fs' || pathname.startsWith('/fs/')) return this.#sendFile(request, response, searchParams);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
    if (pathname === '/') return redirect(response, this.#start());
    if (pathname === sharePaths.style) return send(response, 'text/css; charset=utf-8', style);
    // Browsers ask for it unasked.
    if (pathname === '/favicon.ico') return refuse(response, 204);
    if (pathname === sharePaths.info) return send(response, 'application/json', JSON.stringify(this.#info()));
    if (pathname === sharePaths.archive) return this.#sendArchive(request, response, searchParams.get('path') ?? '/');
    if (pathname === sharePaths.browse || pathname.startsWith(`${sharePaths.browse}/`))
      return this.#browse(response, decoded(pathname.slice(sharePaths.browse.length)), searchParams);
    throw notFound();
  }

  #start(): string {
    const { file } = this.#options;
    return file === undefined ? `${sharePaths.browse}/` : browseAddress([file], 'file');
  }

  #info(): object {
    const { name, file, credential } = this.#options;
    return {
      version: 1,
      name,
      kind: file === undefined ? 'directory' : 'file',
      backend: 'webdav',
      fs_path: file === undefined ? '/fs' : `/fs/${encodeURIComponent(file)}`,
      ...(file === undefined ? { archive_path: sharePaths.archive } : {}),
      access: credential === undefined ? 'token' : 'password',
      capabilities: {
        list: file === undefined,
        read: true,
        write: false,
        resume: true,
        archive: file === undefined,
        search: file === undefined,
        e2ee: false,
      },
    };
  }

  /** A file goes out to be kept, and never as a page of this address. */
  #sendFile(request: IncomingMessage, response: ServerResponse, parameters: URLSearchParams): void {
    const query = parameters.get(fileQueryParameter);
    if (query !== null && !queries.has(query)) return refuse(response, 403);
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cross-origin-resource-policy', 'same-origin');
    if (query === null && request.method !== 'PROPFIND') response.setHeader('content-disposition', 'attachment');
    // The credential was ours and is not passed on.
    delete request.headers.authorization;
    this.#serve(request, response);
  }

  #sendArchive(request: IncomingMessage, response: ServerResponse, path: string): void {
    const target = this.#client.address(segmentsOf(path), true);
    request.url = `${target}?${new URLSearchParams({ [fileQueryParameter]: 'archive', format: 'zip' }).toString()}`;
    this.#serve(request, response);
  }

  async #browse(response: ServerResponse, path: string, parameters: URLSearchParams): Promise<void> {
    const { name } = this.#options;
    const segments = segmentsOf(path);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const { signal } = gone;
    const entry = await this.#client.stat(segments, signal);
    if (entry === undefined || (segments.length === 0 && this.#options.file !== undefined)) throw notFound();
    if (entry.kind === 'file') {
      const preview = await previewOf(this.#client, entry, signal);
      return this.#sendPage(response, 200, filePage({ share: name, entry, preview }));
    }
    const text = (parameters.get('q') ?? '').trim().slice(0, 200);
    if (text !== '') {
      const found = await searchNames(this.#client, segments, { text, signal });
      return this.#sendPage(response, 200, resultsPage({ share: name, segments, query: text, ...found }));
    }
    const entries = await listFolder(this.#client, segments, signal);
    const page = Math.max(1, Math.trunc(Number(parameters.get('page') ?? '1')) || 1);
    return this.#sendPage(response, 200, folderPage({ share: name, segments, entries, page }));
  }

  #sendPage(response: ServerResponse, status: number, text: string): void {
    response.statusCode = status;
    send(response, 'text/html; charset=utf-8', text);
  }
}

const notFound = (): RstreamError => new RstreamError('ERR_RSTREAM_FILE_NOT_FOUND', undefined, { details: { status: 404 } });

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw notFound();
  }
}

function statusFor(error: unknown): number {
  return toRstreamError(error).code === 'ERR_RSTREAM_USAGE' ? 400 : (statusOf(error) ?? 500);
}

/** Never the message of an error: it may name paths of this machine. */
function sentenceFor(error: unknown): string {
  const status = statusFor(error);
  if (status === 404 || status === 400) return 'There is no such file or folder in this share.';
  return status === 507 ? 'This folder has more entries than can be shown. Download it as a ZIP.' : 'This cannot be shown at the moment.';
}

function send(response: ServerResponse, type: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(response.statusCode, { ...pageHeaders, 'content-type': type, 'content-length': body.length });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { ...pageHeaders, location, 'content-length': '0' });
  response.end();
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, {
    ...pageHeaders,
    'content-length': '0',
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="shared files", charset="UTF-8"' } : {}),
    ...(status === 405 ? { allow: [...reading].join(', ') } : {}),
    ...(status === 429 ? { 'retry-after': '60' } : {}),
  });
  response.end();
}
