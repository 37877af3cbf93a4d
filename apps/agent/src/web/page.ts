import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { pageFiles, type PageFile } from '@rstream/webtty-page';
import { refuse, securityHeaders } from './answer.ts';

const unpack = promisify(gunzip);
const files = new Map<string, PageFile>(pageFiles.map((file) => [file.name, file]));

/** Sends the page. It is asked for each time: it names the assets, and they are never asked for again. */
export function sendPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  return send('index.html', 'no-store', { request, response });
}

/** Sends an asset, whose name says what is in it. */
export function sendAsset(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return send(name, 'private, max-age=31536000, immutable', { request, response });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function send(name: string, caching: string, { request, response }: Exchange): Promise<void> {
  const file = files.get(name);
  if (file === undefined) return refuse(response, 404);
  const packed = Buffer.from(file.gzip, 'base64');
  const takesPacked = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const body = takesPacked ? packed : await unpack(packed);
  response.writeHead(200, {
    ...securityHeaders,
    'content-type': file.type,
    'content-length': body.byteLength,
    'cache-control': caching,
    vary: 'accept-encoding',
    ...(takesPacked ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
