import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import type { Transport } from '@rstream/config';
import type { Fetch, FetchInit } from '@rstream/control-client';
import { RstreamError } from '@rstream/protocol';
import { connectHost } from '@rstream/tunnel-core';

/** TLS settings of a context in the form of `node:tls`. */
export interface TlsSettings {
  readonly ca?: Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Reads the TLS settings of a context; undefined when it has none. @throws RstreamError when the CA file cannot be read */
export function tlsSettings(transport: Transport): TlsSettings | undefined {
  const { caFile, serverName, insecureSkipVerify } = transport.tls ?? {};
  if (caFile === undefined && serverName === undefined && insecureSkipVerify === undefined) return undefined;
  return {
    ...(caFile === undefined ? {} : { ca: readCertificates(caFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecureSkipVerify === undefined ? {} : { rejectUnauthorized: !insecureSkipVerify }),
  };
}

function readCertificates(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_CONFIG_UNREADABLE', `The certificate file ${file} cannot be read.`, { cause });
  }
}

/** A `fetch` with connections of its own. */
export interface NodeFetch {
  readonly fetch: Fetch;
  /** Closes its idle connections; it may be used again. */
  close(): void;
}

/**
 * A `fetch` over `node:http` that reaches names under `.localhost` (always loopback, but unknown to many resolvers) under their own name,
 * and takes a certificate authority. Follows no redirect.
 */
export function createNodeFetch(tls: TlsSettings | undefined): NodeFetch {
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true, ...tls }) };
  const start = (address: string, { method, headers, signal }: FetchInit): ClientRequest => {
    const url = new URL(address);
    const options: RequestOptions & TlsSettings = {
      method,
      host: connectHost(url.hostname),
      port: url.port,
      path: url.pathname + url.search,
      headers: { ...headers, host: url.host },
      signal,
    };
    if (url.protocol === 'http:') return httpRequest({ ...options, agent: agents['http:'] });
    return httpsRequest({ servername: url.hostname, ...tls, ...options, agent: agents['https:'] });
  };
  const once = (address: string, init: FetchInit): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = start(address, init);
      request.on('response', resolve);
      request.on('error', (error: NodeJS.ErrnoException) => {
        // The server may close an idle connection at the moment we use it; asking again on a new one is safe for a read.
        if (request.reusedSocket && error.code === 'ECONNRESET' && init.method === 'GET') resolve(once(address, init));
        else reject(error);
      });
      request.end(init.body);
    });
  return {
    async fetch(address, init) {
      const answer = await once(address, init);
      const status = answer.statusCode ?? 500;
      const empty = status === 204 || status === 304;
      if (empty) answer.resume();
      return new Response(empty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>), { status });
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}
