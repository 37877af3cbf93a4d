import type { IncomingMessage, ServerResponse } from 'node:http';
import { limits, RstreamError } from '@rstream/protocol';
import { fileQueries, fileQueryParameter, type FilesInfo } from '@rstream/protocol/files';
import { parseAddress, toHref } from './address.ts';
import { sendEmpty, sendFailure, sendText, setCommonHeaders, statusXml, XML_HEAD, XML_TYPE } from './answer.ts';
import { readBody } from './body.ts';
import { Failure, toFailure } from './failure.ts';
import { createSidecar, type Sidecar, type SidecarOptions } from './sidecar.ts';
import { escapeXml } from './xml.ts';

/** One of several folders that are served side by side. */
export interface NamedRoot extends Omit<SidecarOptions, 'prefix'> {
  /** Its folder below the prefix: letters, digits, `.`, `_`, `~` and `-`. */
  readonly name: string;
}

/** How to serve several folders. */
export interface NamedRootsOptions {
  /** Path of the folder that lists them, without a slash at its end. Default `/fs`. */
  readonly prefix?: string;
  readonly roots: readonly NamedRoot[];
}

interface Named {
  readonly name: string;
  readonly readOnly: boolean;
  readonly sidecar: Sidecar;
}

/**
 * Serves several folders, each below its name, and a read-only folder that lists them. Nothing is moved from one to another: that is
 * 502, as it is between servers. Throws what `createSidecar` throws.
 */
export function serveNamedRoots({ prefix = '/fs', roots }: NamedRootsOptions): Sidecar {
  const names = new Set(roots.map(({ name }) => name));
  if (roots.length === 0 || names.size < roots.length || [...names].some((name) => !/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}$/.test(name)))
    throw new RstreamError('ERR_RSTREAM_FS_OPTIONS', 'the names of the roots are missing, repeated or not plain');
  const opened: Named[] = [];
  try {
    for (const { name, ...options } of roots) {
      const sidecar = createSidecar({ ...options, prefix: `${prefix}/${name}` });
      opened.push({ name, readOnly: options.readOnly ?? false, sidecar });
    }
  } catch (error) {
    for (const { sidecar } of opened) void sidecar.close();
    throw error;
  }
  const maxUploadBytes = Math.max(...roots.map((root) => root.maxUploadBytes ?? limits.webdav.uploadBytes.default));
  return new NamedRoots(prefix, opened, maxUploadBytes);
}

class NamedRoots implements Sidecar {
  readonly containment;
  readonly weaknesses;
  readonly #prefix: string;
  readonly #roots: readonly Named[];
  readonly #maxUploadBytes: number;

  constructor(prefix: string, roots: readonly Named[], maxUploadBytes: number) {
    this.#prefix = prefix;
    this.#roots = roots;
    this.#maxUploadBytes = maxUploadBytes;
    this.weaknesses = roots.flatMap(({ sidecar }) => sidecar.weaknesses);
    this.containment = roots.some(({ sidecar }) => sidecar.containment === 'checked') ? ('checked' as const) : ('descriptors' as const);
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const name = this.#nameIn(request.url ?? '');
    const root = this.#roots.find((each) => each.name === name);
    if (root !== undefined) return root.sidecar.handle(request, response);
    setCommonHeaders(response);
    this.#answerList(name, request, response)
      .catch((error: unknown) => sendFailure(request, response, toFailure(error), this.#prefix))
      .catch(() => response.destroy());
    return undefined;
  };

  async close(): Promise<void> {
    await Promise.all(this.#roots.map(({ sidecar }) => sidecar.close()));
  }

  /** Name of the root that a request is for: undefined for the list itself, null for what is no path. */
  #nameIn(target: string): string | undefined | null {
    try {
      return parseAddress(target, this.#prefix).segments[0];
    } catch {
      return null;
    }
  }

  async #answerList(name: string | undefined | null, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (name === null) throw new Failure(400, 'The path is malformed.');
    if (name !== undefined) throw new Failure(404, 'There is no root of this name.');
    const allow = 'OPTIONS, PROPFIND';
    switch (request.method) {
      case 'OPTIONS':
        return sendEmpty(response, 200, { allow, dav: '1, 2, 3', 'ms-author-via': 'DAV' });
      case 'PROPFIND':
        await readBody(request, limits.webdav.xmlBytes.default);
        return sendText(response, 207, { type: XML_TYPE, text: this.#multistatus(request.headers['depth']) });
      case 'GET':
        if (new URLSearchParams(request.url?.split('?')[1]).get(fileQueryParameter) === 'info')
          return sendText(response, 200, { type: 'application/json', text: `${JSON.stringify(this.#info())}\n` });
        throw new Failure(405, 'The folder of the roots has no content; list it with PROPFIND.', { headers: { allow } });
      default:
        throw new Failure(403, 'The folder of the roots does not change.');
    }
  }

  #multistatus(depth: string | string[] | undefined): string {
    if (depth !== '0' && depth !== '1')
      throw new Failure(403, 'A folder is listed with Depth 0 or 1.', { condition: 'propfind-finite-depth' });
    const rows = [folderXml(toHref(this.#prefix, [], true), '')];
    if (depth === '1') rows.push(...this.#roots.map(({ name }) => folderXml(toHref(this.#prefix, [name], true), name)));
    return `${XML_HEAD}<D:multistatus xmlns:D="DAV:">${rows.join('')}</D:multistatus>\n`;
  }

  #info(): FilesInfo {
    return {
      version: 1,
      containment: this.containment,
      read_only: true,
      max_upload_bytes: this.#maxUploadBytes,
      queries: fileQueries.filter((query) => query === 'info'),
      roots: this.#roots.map(({ name, readOnly }) => ({ name, read_only: readOnly })),
    };
  }
}

/** All that there is to say about such a folder, whatever was asked. */
const folderXml = (href: string, name: string): string =>
  `<D:response><D:href>${escapeXml(href)}</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype>` +
  `<D:displayname>${escapeXml(name)}</D:displayname></D:prop>${statusXml(200)}</D:propstat></D:response>`;
