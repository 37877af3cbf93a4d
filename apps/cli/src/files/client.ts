import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import { FileHash, fileQueryParameter, type FileHashAlgorithm } from '@rstream/protocol/files';
import { limits } from '@rstream/protocol/limits';
import { chunksOf, textOf, type FileHttp } from './http.ts';
import { parseMultistatus, type DavResponse } from './multistatus.ts';
import { isPartial, pathOf } from './path.ts';
import { statusError } from './status-error.ts';

/** A file or folder of a device. */
export interface FileEntry {
  /** Names below the root; none for the root itself. */
  readonly segments: readonly string[];
  readonly kind: 'file' | 'directory';
  /** Bytes of a file. */
  readonly size?: number;
  /** Milliseconds since 1970; whole seconds where the device says no more. */
  readonly modified?: number;
  readonly etag?: string;
}

export interface AskOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array | string | Readable;
  /** Parameters of a query of the sidecar. */
  readonly query?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** The path gets a slash at its end. */
  readonly folder?: boolean;
  /** Statuses of 400 and more that are answers and no errors. */
  readonly accept?: readonly number[];
}

/** The files of one device. Paths are names below its root. */
export interface FilesClient {
  /** Sends one request. @throws RstreamError for a status of 400 and more, unless it is accepted */
  ask(method: string, segments: readonly string[], options?: AskOptions): Promise<IncomingMessage>;
  /** The same for an answer without a body that matters. */
  tell(method: string, segments: readonly string[], options?: AskOptions): Promise<IncomingMessage>;
  /** Undefined when there is nothing. */
  stat(segments: readonly string[], signal?: AbortSignal): Promise<FileEntry | undefined>;
  /** The entry itself and, of a folder, what is in it, as it comes in. Unfinished uploads are left out. */
  list(segments: readonly string[], signal?: AbortSignal): AsyncGenerator<FileEntry>;
  hash(segments: readonly string[], algorithm: FileHashAlgorithm, signal?: AbortSignal): Promise<FileHash>;
  /** The path of an entry in `Destination` and `If` headers. */
  address(segments: readonly string[], folder?: boolean): string;
  close(): void;
}

const PROPFIND_BODY =
  '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getcontentlength/><D:getlastmodified/><D:getetag/></D:prop></D:propfind>';

/** @param fsPath path of the sidecar at the device, such as `/fs` */
export function createFilesClient(http: FileHttp, fsPath: string): FilesClient {
  const prefix = fsPath.replace(/\/+$/, '');
  const address = (segments: readonly string[], folder = false): string =>
    `${[prefix, ...segments.map(encodeURIComponent)].join('/')}${folder || segments.length === 0 ? '/' : ''}`;

  const ask: FilesClient['ask'] = async (method, segments, options = {}) => {
    const { query, folder, accept = [], ...rest } = options;
    const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
    const answer = await http.send({ method, target: `${address(segments, folder)}${search}`, ...rest });
    const status = answer.statusCode ?? 0;
    if (status < 400 || accept.includes(status)) return answer;
    throw await statusError(answer, method, pathOf(segments));
  };
  const tell: FilesClient['tell'] = async (method, segments, options) => {
    const answer = await ask(method, segments, options);
    // Read to its end, so that the connection serves the next request.
    answer.resume();
    return answer;
  };
  const propfind = async function* (segments: readonly string[], depth: '0' | '1', signal?: AbortSignal): AsyncGenerator<FileEntry> {
    const headers = { depth, 'content-type': 'application/xml; charset=utf-8', prefer: 'return=minimal' };
    const answer = await ask('PROPFIND', segments, { headers, body: PROPFIND_BODY, signal });
    if (answer.statusCode !== 207) throw notWebdav(answer);
    for await (const response of parseMultistatus(chunksOf(answer, { signal }))) {
      const entry = entryOf(response, prefix, segments);
      if (entry !== undefined && !isPartial(entry.segments.at(-1) ?? '')) yield entry;
    }
  };

  return {
    ask,
    tell,
    address,
    async stat(segments, signal) {
      try {
        for await (const entry of propfind(segments, '0', signal)) return entry;
      } catch (error) {
        if (!RstreamError.is(error) || error.code !== 'ERR_RSTREAM_FILE_NOT_FOUND') throw error;
      }
      return undefined;
    },
    list: (segments, signal) => propfind(segments, '1', signal),
    async hash(segments, algorithm, signal) {
      const answer = await ask('GET', segments, { query: { [fileQueryParameter]: 'hash', algorithm }, signal });
      return parsed(FileHash.safeParse(json(await textOf(answer, limits.files.rowBytes.default))));
    },
    close: () => http.close(),
  };
}

/** An answer that a schema does not know is one of another kind of server. */
function parsed<Value>(result: { success: true; data: Value } | { success: false }): Value {
  if (result.success) return result.data;
  throw new RstreamError('ERR_RSTREAM_FILE_STATUS', 'The device sent an answer that this version does not know.');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notWebdav(answer: IncomingMessage): RstreamError {
  answer.resume();
  return new RstreamError('ERR_RSTREAM_FILES_UNAVAILABLE', `What answers there is no WebDAV server (status ${answer.statusCode ?? 0}).`);
}

/** An entry of a listing. @throws RstreamError for one that is not in the folder that was asked for */
function entryOf(response: DavResponse, prefix: string, asked: readonly string[]): FileEntry | undefined {
  if (response.status === 507) throw new RstreamError('ERR_RSTREAM_FILE_STATUS', 'The folder has more entries than the device lists.');
  if (response.status !== undefined) return undefined;
  const segments = segmentsOfHref(response.href, prefix);
  const inFolder = segments.length === asked.length || segments.length === asked.length + 1;
  if (!inFolder || asked.some((name, at) => name !== segments[at]))
    throw new RstreamError('ERR_RSTREAM_FILE_STATUS', 'The device lists an entry of another folder.');
  const { properties, isFolder } = response;
  const size = Number(properties.get('getcontentlength') ?? Number.NaN);
  const modified = Date.parse(properties.get('getlastmodified') ?? '');
  const etag = properties.get('getetag');
  return {
    segments,
    kind: isFolder ? 'directory' : 'file',
    ...(isFolder || !Number.isSafeInteger(size) ? {} : { size }),
    ...(Number.isNaN(modified) ? {} : { modified }),
    ...(etag === undefined || etag === '' ? {} : { etag }),
  };
}

function segmentsOfHref(href: string, prefix: string): string[] {
  const path = href.replace(/^https?:\/\/[^/]*/i, '');
  if (path !== prefix && !path.startsWith(`${prefix}/`))
    throw new RstreamError('ERR_RSTREAM_FILE_STATUS', 'The device lists an entry outside its root.');
  const names = path
    .slice(prefix.length)
    .split('/')
    .filter((name) => name !== '')
    .map((name) => {
      try {
        return decodeURIComponent(name);
      } catch (cause) {
        throw new RstreamError('ERR_RSTREAM_FILE_NAME', 'The device names a file in an encoding that is not known.', { cause });
      }
    });
  if (names.some((name) => name === '.' || name === '..' || name.includes('/') || name.includes('\0')))
    throw new RstreamError('ERR_RSTREAM_FILE_NAME', `The device names a file ${JSON.stringify(path)}, which is no path.`);
  return names;
}
