import { readdirSync, realpathSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isAbsolute } from 'node:path';
import { limits, RstreamError } from '@rstream/protocol';
import { parseAddress } from './address.ts';
import { sendEmpty, sendFailure, setCommonHeaders } from './answer.ts';
import { receivedBytes } from './body.ts';
import { ChecksumTable } from './checksums.ts';
import type { Durability } from './durability.ts';
import type { Exchange, Shared } from './exchange.ts';
import { Failure, toFailure } from './failure.ts';
import type { Containment } from './folder.ts';
import { LockTable } from './locks.ts';
import { copy, move } from './methods/copy-move.ts';
import { remove } from './methods/delete.ts';
import { get } from './methods/get.ts';
import { lock, unlock } from './methods/lock.ts';
import { mkcol } from './methods/mkcol.ts';
import { propfind } from './methods/propfind.ts';
import { proppatch } from './methods/proppatch.ts';
import { patch, put } from './methods/put.ts';
import { PropertyTable } from './property-table.ts';
import { answerQuery, queryOf } from './queries/query.ts';
import { sweepTree } from './remnants.ts';
import { Root } from './root.ts';
import { Slots } from './slots.ts';
import { fileSystemTypeOf, weaknessesOf, type Weakness } from './weaknesses.ts';

/** One request that changes something, whatever became of it. Never content. */
export interface ChangeRecord {
  readonly method: string;
  /** Decoded path below the root; undefined when it is none. */
  readonly path: string | undefined;
  /** The same of the `Destination` of COPY and MOVE. */
  readonly destination?: string | undefined;
  /** Status of the answer; undefined when the client was gone before it. */
  readonly status: number | undefined;
  /** Bytes of the request's body that were taken. */
  readonly bytes: number;
  readonly durationMs: number;
}

/** Where a sidecar reports what it did. A pino logger fits. */
export interface SidecarLogger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** How to serve a folder. */
export interface SidecarOptions {
  /** Absolute path of the folder. It is resolved once; links inside the root may lead to other places inside it, never out. */
  readonly root: string;
  /** Refuse every method that changes something with 403. Default false. */
  readonly readOnly?: boolean;
  /** Path that all addresses begin with, without a slash at its end; '' for none. Default `/fs`. */
  readonly prefix?: string;
  /** Largest file that may be uploaded, in bytes. Default `limits.webdav.uploadBytes`, 64 MiB. */
  readonly maxUploadBytes?: number;
  /** What a power cut may take: nothing that was answered (`full`, the default), the last changes of names (`rename`), or more (`none`). */
  readonly durability?: Durability;
  /** `strict`: refuse to start where something is weaker (see `Sidecar.weaknesses`). Default `best`. */
  readonly containment?: 'best' | 'strict';
  /**
   * Names below the root that are as if they were not there, also where a link leads to them. They are not listed, and 404 for everything;
   * with it the folder should be read-only, because a COPY or a DELETE of the folder above takes them along.
   */
  readonly hides?: (segments: readonly string[]) => boolean;
  /** Gets a record of every request that changes something, or would have, when its answer is over. */
  readonly onChange?: (record: ChangeRecord, request: IncomingMessage) => void;
  readonly logger?: SidecarLogger;
}

/** A folder that is served. Close it to let go of the folder. */
export interface Sidecar {
  /** Handles one request of `node:http`. Never throws and never rejects. It asks for no credentials: put that in front of it. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** `descriptors`: a path cannot be raced. `checked`: a race is seen and refused, but only after it. */
  readonly containment: Containment;
  /** What is weaker on this machine; empty on Linux with a local disk. */
  readonly weaknesses: readonly Weakness[];
  /** Refuses new requests with 503, waits for running ones (5 s, then it cuts them) and closes the folder. */
  close(): Promise<void>;
}

/** A clock of a file system may be coarse, ms. */
const SWEEP_MARGIN = 2_000;

type Method = (exchange: Exchange) => Promise<void>;

const reading: Readonly<Record<string, Method>> = { OPTIONS: options, GET: get, HEAD: get, PROPFIND: propfind };
const writing: Readonly<Record<string, Method>> = {
  PUT: put,
  PATCH: patch,
  MKCOL: mkcol,
  DELETE: remove,
  COPY: copy,
  MOVE: move,
  PROPPATCH: proppatch,
  LOCK: lock,
  UNLOCK: unlock,
};

/**
 * Serves one folder over WebDAV, class 1, 2 and 3 (RFC 4918). Throws `ERR_RSTREAM_FS_ROOT`, `ERR_RSTREAM_FS_OPTIONS`, or with
 * `containment: 'strict'` `ERR_RSTREAM_FS_CONTAINMENT`.
 */
export function createSidecar(settings: SidecarOptions): Sidecar {
  return new Server(settings);
}

class Server implements Sidecar {
  readonly containment: Containment;
  readonly weaknesses: readonly Weakness[];
  readonly #shared: Shared;
  readonly #logger: SidecarLogger | undefined;
  readonly #onChange: SidecarOptions['onChange'];
  readonly #running = new Set<ServerResponse>();
  readonly #stopSweep = new AbortController();
  #swept: Promise<void>;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor(settings: SidecarOptions) {
    const { prefix = '/fs', maxUploadBytes = limits.webdav.uploadBytes.default } = settings;
    if (prefix !== '' && !/^(\/[A-Za-z0-9._~-]+)+$/.test(prefix))
      throw new RstreamError('ERR_RSTREAM_FS_OPTIONS', `the prefix "${prefix}" is no path`);
    if (!Number.isSafeInteger(maxUploadBytes) || maxUploadBytes < 0)
      throw new RstreamError('ERR_RSTREAM_FS_OPTIONS', 'the largest upload is not a number of bytes');
    const root = openRoot(settings.root, settings.hides);
    this.containment = root.containment;
    this.weaknesses = weaknessesOf(root.containment, fileSystemTypeOf(settings.root));
    this.#logger = settings.logger;
    this.#onChange = settings.onChange;
    const [weakness] = this.weaknesses;
    if (weakness !== undefined && settings.containment === 'strict') {
      root.close();
      throw new RstreamError('ERR_RSTREAM_FS_CONTAINMENT', weakness.message);
    }
    this.#shared = {
      root,
      prefix,
      readOnly: settings.readOnly ?? false,
      maxUploadBytes,
      durability: settings.durability ?? 'full',
      locks: new LockTable(),
      properties: new PropertyTable(),
      checksums: new ChecksumTable(),
      slots: new Slots(),
    };
    this.#swept = this.#shared.readOnly ? Promise.resolve() : this.#sweep();
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    void this.#answer(request, response);
  };

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopSweep.abort();
    if (this.#running.size > 0) {
      const timer = setTimeout(() => this.#running.forEach((response) => response.destroy()), limits.webdav.closeGrace.default);
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      clearTimeout(timer);
    }
    await this.#swept;
    this.#shared.root.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.on('error', () => gone.abort());
    if (this.#onChange !== undefined && Object.hasOwn(writing, request.method ?? '')) this.#record(request, response);
    setCommonHeaders(response);
    this.#running.add(response);
    try {
      await this.#dispatch(request, response, gone.signal);
    } catch (error) {
      const failure = toFailure(error);
      if (failure.status >= 500 && !gone.signal.aborted)
        this.#logger?.warn({ method: request.method, status: failure.status, cause: describe(failure) }, 'filesystem request failed');
      sendFailure(request, response, failure, this.#shared.prefix).catch(() => response.destroy());
    } finally {
      this.#running.delete(response);
      if (this.#running.size === 0) this.#idle?.();
    }
  }

  async #dispatch(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    if (this.#closing !== undefined) throw new Failure(503, 'The sidecar is closing.');
    if (this.#running.size > limits.webdav.requests.default)
      throw new Failure(503, 'There are too many requests.', { headers: { 'retry-after': '1' } });
    const name = request.method ?? '';
    const method = Object.hasOwn(reading, name) ? reading[name] : Object.hasOwn(writing, name) ? writing[name] : undefined;
    if (method === undefined) throw new Failure(405, 'This method is not known here.', { headers: { allow: allowed(this.#shared) } });
    if (this.#shared.readOnly && !Object.hasOwn(reading, name)) throw new Failure(403, 'The folder is served read-only.');
    if (request.headers['content-encoding'] !== undefined) throw new Failure(415, 'Bodies are sent without an encoding.');
    const address = parseAddress(request.url ?? '', this.#shared.prefix);
    const exchange = { request, response, address, shared: this.#shared, signal };
    const query = queryOf(request.url ?? '');
    await (query === undefined ? method(exchange) : answerQuery(exchange, query));
  }

  #record(request: IncomingMessage, response: ServerResponse): void {
    const { prefix } = this.#shared;
    const startedAt = performance.now();
    const destination = request.headers['destination'];
    response.once('close', () =>
      this.#onChange?.(
        {
          method: request.method ?? '',
          path: pathBelow(request.url ?? '', prefix),
          ...(typeof destination === 'string' ? { destination: pathBelow(destination, prefix) } : {}),
          status: response.headersSent ? response.statusCode : undefined,
          bytes: receivedBytes(request),
          durationMs: Math.round(performance.now() - startedAt),
        },
        request,
      ),
    );
  }

  #sweepLater(): void {
    const again = (): void => {
      if (!this.#stopSweep.signal.aborted) this.#swept = this.#sweep();
    };
    setTimeout(again, limits.webdav.remnantAge.default + SWEEP_MARGIN).unref();
  }

  async #sweep(): Promise<void> {
    try {
      const place = this.#shared.root.locate([]);
      const { removed, waiting } = await sweepTree(place.folder, this.#stopSweep.signal);
      // Who was killed and started again at once finds its own parts too fresh to judge.
      if (waiting > 0) this.#sweepLater();
      if (removed > 0) this.#logger?.info({ removed }, 'parts of interrupted uploads removed');
    } catch (error) {
      this.#logger?.warn({ cause: String(error) }, 'the search for parts of interrupted uploads failed');
    }
  }
}

/** The path of a record; undefined for what is no path below the prefix. */
function pathBelow(target: string, prefix: string): string | undefined {
  try {
    return parseAddress(target, prefix).segments.join('/');
  } catch {
    return undefined;
  }
}

const allowed = (shared: Shared): string => Object.keys(shared.readOnly ? reading : { ...reading, ...writing }).join(', ');

async function options({ response, shared }: Exchange): Promise<void> {
  sendEmpty(response, 200, {
    allow: allowed(shared),
    dav: shared.readOnly ? '1' : '1, 2, 3, sabredav-partialupdate',
    'ms-author-via': 'DAV',
    ...(shared.readOnly ? {} : { 'accept-patch': 'application/x-sabredav-partialupdate' }),
  });
}

/** For the log of this machine only: the cause names paths. */
const describe = (failure: Failure): string => (failure.cause instanceof Error ? failure.cause.message : failure.message);

function openRoot(path: string, hides: SidecarOptions['hides']): Root {
  if (!isAbsolute(path)) throw new RstreamError('ERR_RSTREAM_FS_ROOT', 'the root is not an absolute path');
  try {
    readdirSync(realpathSync.native(path));
    return new Root(path, undefined, hides);
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_FS_ROOT', `the root "${path}" cannot be opened as a folder`, { cause });
  }
}
