import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FetchOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer | Readable;
}

/** One request to a name under `.localhost`: connects to loopback and sends the name, as curl and browsers do by themselves. */
export function fetchLocal(url: string, { method = 'GET', headers = {}, body }: FetchOptions = {}): Promise<Answer> {
  const { port, pathname, search, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        // A connection of its own: an agent would reuse one that already serves another name.
        agent: false,
        host: '127.0.0.1',
        port,
        method,
        path: pathname + search,
        headers: { host, connection: 'close', ...headers },
        signal: AbortSignal.timeout(30_000),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    outgoing.on('error', reject);
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
    else body.pipe(outgoing);
  });
}
