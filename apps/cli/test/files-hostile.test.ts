import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFilesClient, type FilesClient } from '../src/files/client.ts';
import { download } from '../src/files/download.ts';
import { createFilter } from '../src/files/glob.ts';
import { createFileHttp } from '../src/files/http.ts';
import { isSafeName } from '../src/files/path.ts';

/** A device that answers as it likes. */
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let folder: string;
let server: Server;
let client: FilesClient;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rstream-hostile-'));
});
afterEach(() => {
  client.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

function device(answer: Answer): void {
  server = createServer(answer);
  const open = async () => {
    const [near, far] = duplexPair();
    server.emit('connection', far);
    return near;
  };
  client = createFilesClient(createFileHttp({ open, host: 'device' }), '/fs');
}

async function listed(): Promise<string[]> {
  const paths: string[] = [];
  for await (const { segments } of client.list(['here'])) paths.push(segments.join('/'));
  return paths;
}

const entry = (href: string): string =>
  `<D:response><D:href>${href}</D:href><D:propstat><D:prop><D:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
const multistatus =
  (body: string): Answer =>
  (request, response) => {
    request.resume();
    response.writeHead(207, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${body}</D:multistatus>`);
  };

describe('a listing', () => {
  test.each([
    ['another folder', '/fs/elsewhere/x'],
    ['a parent', '/fs/here/../x'],
    ['an encoded parent', '/fs/here/%2e%2e'],
    ['an encoded separator', '/fs/here/a%2fb'],
    ['an encoded NUL', '/fs/here/a%00b'],
    ['a deeper entry', '/fs/here/a/b'],
    ['no UTF-8', '/fs/here/%ff'],
    ['another server', 'http://evil/else/here/x'],
  ])('with %s is refused', async (_, href) => {
    device(multistatus(entry('/fs/here/') + entry(href)));
    await expect(listed()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_RSTREAM_FILE_(NAME|STATUS)$/) as string });
  });

  test.each([
    [
      'a document type',
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(207).end('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    ],
    ['no XML', (_: IncomingMessage, response: ServerResponse) => response.writeHead(207).end('{}')],
    ['an endless name', (_: IncomingMessage, response: ServerResponse) => response.writeHead(207).end(`<a>${'x'.repeat(100_000)}</a>`)],
    ['endless depth', (_: IncomingMessage, response: ServerResponse) => response.writeHead(207).end('<a>'.repeat(10_000))],
  ] as const)('with %s is refused', async (_, answer) => {
    device(answer);
    await expect(listed()).rejects.toMatchObject({ code: 'ERR_RSTREAM_FILE_STATUS' });
  });

  test('leaves unfinished uploads out', async () => {
    device(multistatus(entry('/fs/here/') + entry(`/fs/here/.rstream-upload-${'0'.repeat(24)}`) + entry('/fs/here/a')));
    expect(await listed()).toEqual(['here', 'here/a']);
  });

  test('that breaks off is a lost connection, and not a short folder', async () => {
    device((request, response) => {
      request.resume();
      response.writeHead(207, { 'content-type': 'application/xml' });
      response.write(`<D:multistatus xmlns:D="DAV:">${entry('/fs/here/')}`, () => response.destroy());
    });
    await expect(listed()).rejects.toMatchObject({ code: 'SESSION_LOST' });
  });
});

describe('a download', () => {
  const content = randomBytes(9_000_000);
  const sum = createHash('sha256').update(content).digest('hex');
  const target = (): string => join(folder, 'file');
  const get = () => download(client, ['file'], target(), { patienceMs: 200 });

  /** Sends the rest of some content from the range that is asked for, and cuts the first answers after so many bytes. */
  function sending({ cuts, tags, hash = sum }: { cuts: number; tags?: readonly string[]; hash?: string }): { starts: number[] } {
    const starts: number[] = [];
    device((request, response) => {
      if (request.url?.includes('rstream=hash') === true) {
        response.setHeader('content-type', 'application/json');
        return response.end(JSON.stringify({ algorithm: 'sha256', hash, size: content.length, etag: tags?.at(-1) ?? '"1"' }));
      }
      const etag = tags?.[Math.min(starts.length, tags.length - 1)] ?? '"1"';
      const asked = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const start = request.headers['if-range'] === etag ? asked : 0;
      starts.push(start);
      const range = start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {};
      response.writeHead(start > 0 ? 206 : 200, { etag, 'content-length': content.length - start, ...range });
      if (starts.length > cuts) return response.end(content.subarray(start));
      return response.write(content.subarray(start, start + 2_000_000), () => setImmediate(() => response.destroy()));
    });
    return { starts };
  }

  test('goes on from where it was cut', async () => {
    const { starts } = sending({ cuts: 3 });
    expect(await get()).toMatchObject({ bytes: content.length });
    expect(readFileSync(target()).equals(content)).toBe(true);
    expect(starts).toHaveLength(4);
    expect(starts.every((start, at) => at === 0 || start > (starts[at - 1] ?? 0))).toBe(true);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('begins anew when the file changed meanwhile, so that two states are never mixed', async () => {
    const { starts } = sending({ cuts: 2, tags: ['"1"', '"2"'] });
    await get();
    expect(starts.slice(0, 2)).toEqual([0, 0]);
    expect(readFileSync(target()).equals(content)).toBe(true);
  });

  test('whose hash is another one leaves nothing behind', async () => {
    sending({ cuts: 0, hash: '0'.repeat(64) });
    await expect(get()).rejects.toMatchObject({ code: 'ERR_RSTREAM_FILE_DAMAGED' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that never gets on is given up, and what there is stays for the next run', async () => {
    device((_, response) => response.destroy());
    await expect(get()).rejects.toMatchObject({ code: 'ERR_RSTREAM_FILE_STALLED' });
    expect(existsSync(target())).toBe(false);
  });

  test.each([
    ['another part than was asked for', { 'content-range': 'bytes 3-8/9', 'content-length': '6' }],
    ['no size', { 'content-range': 'bytes 0-8/*', 'content-length': '9' }],
  ])('with %s is refused', async (_, headers) => {
    device((__, response) => response.writeHead(206, { etag: '"1"', ...headers }).end('x'.repeat(Number(headers['content-length']))));
    await expect(get()).rejects.toMatchObject({ code: 'ERR_RSTREAM_FILE_STATUS' });
    expect(readdirSync(folder)).toEqual([]);
  });
});

test.each([
  ['..', 'linux', false],
  ['a/b', 'linux', false],
  ['a\0b', 'linux', false],
  ['a\\b', 'linux', true],
  ['C:evil', 'linux', true],
  ['a\\b', 'win32', false],
  ['C:evil', 'win32', false],
  ['nul.txt', 'win32', false],
  ['COM1', 'win32', false],
  ['trailing.', 'win32', false],
  ['console', 'win32', true],
] as const)('the name %j on %s: %s', (name, platform, isSafe) => {
  device((_, response) => response.end());
  expect(isSafeName(name, platform)).toBe(isSafe);
});

test.each([
  ['*.log', 'a/b.log', true],
  ['*.log', 'b.log.txt', false],
  ['node_modules', 'x/node_modules', true],
  ['src/*.ts', 'src/a.ts', true],
  ['src/*.ts', 'src/deep/a.ts', false],
  ['src/**/*.ts', 'src/deep/er/a.ts', true],
  ['src/**/*.ts', 'src/a.ts', true],
  ['a+(b).[c]', 'a+(b).[c]', true],
  ['?', 'ab', false],
] as const)('the pattern %s excludes %s: %s', (pattern, path, isExcluded) => {
  device((_, response) => response.end());
  expect(createFilter({ include: [], exclude: [pattern] }).takesFile(path)).toBe(!isExcluded);
});
