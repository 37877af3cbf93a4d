import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedProcess, soak } from './served-process.ts';
import { snapshot } from './world.ts';

const count = soak ? 100_000 : 2_000;
let folder: string;
let served: ServedProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rstream-fuzz-'));
  for (const name of ['root', 'root/tree', 'outside']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'outside/secret'), 'SECRET');
  writeFileSync(join(folder, 'root/a'), 'a');
  symlinkSync('../outside', join(folder, 'root/out'));
  symlinkSync(join(folder, 'outside/secret'), join(folder, 'root/out-file'));
  served = await ServedProcess.start(join(folder, 'root'));
});
afterAll(async () => {
  await served.end();
  rmSync(folder, { recursive: true, force: true });
});

/** The same numbers every time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
const below = random(20_261_127);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const methods =
  'GET HEAD PUT PATCH DELETE MKCOL COPY MOVE PROPFIND PROPPATCH LOCK UNLOCK OPTIONS POST TRACE REPORT SEARCH MKACTIVITY'.split(' ');
const words = [
  'a',
  'b',
  'tree',
  'out',
  'out-file',
  'out/secret',
  '..',
  '%2e%2e',
  '%2e',
  '.',
  '%2f',
  '%5c',
  '\\',
  '%00',
  '%zz',
  '%',
  '%c0%ae',
  '%ff',
  'ü',
  '%C3%BC',
  'x'.repeat(255),
  'x'.repeat(256),
  '',
  ';',
  '#',
  '?',
  '~',
  '.rstream-part-1-0',
  '%e2%80%ae',
];
const queries = [
  '',
  '',
  '',
  '?',
  '?rstream=tree',
  '?rstream=search&name=*',
  '?rstream=search&content=SECRET',
  '?rstream=hash&algorithm=md5',
  '?rstream=tail&bytes=9',
  '?rstream=archive',
  '?rstream=info',
  '?rstream=%zz',
  '?rstream=tree&depth=x',
  '?&&=',
  '?rstream=search&name=%00&limit=1e9',
];
const names =
  'depth overwrite destination if if-match if-none-match if-modified-since range content-range timeout lock-token x-update-range if-range prefer x-oc-mtime oc-checksum content-digest content-type content-encoding expect upload-offset host'.split(
    ' ',
  );
const values = [
  '',
  '0',
  '1',
  'infinity',
  'T',
  'F',
  'X',
  '*',
  '"x"',
  '(<a>)',
  '([x])',
  '(Not <a> ["b"])',
  '('.repeat(500),
  'bytes=0-',
  'bytes=-1',
  'bytes=9-1',
  `bytes=${'0-,'.repeat(200)}`,
  'bytes 0-1/*',
  'bytes 5-1/2',
  'Second-1',
  'Infinite',
  '<t>',
  '/fs/b',
  '/fs/../outside/x',
  '/fs/%2e%2e/x',
  'http://x/',
  'file:///etc/passwd',
  'http://a@b/fs/',
  'append',
  '9'.repeat(30),
  'NaN',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'SHA1:zz',
  'sha-256=:AA==:',
  'application/x-sabredav-partialupdate',
  'application/partial-upload',
  'gzip',
  '\u00ff',
];
const pieces = [
  '<D:propfind xmlns:D="DAV:">',
  '</D:propfind>',
  '<D:allprop/>',
  '<D:prop>',
  '</D:prop>',
  '<D:propertyupdate xmlns:D="DAV:"><D:set>',
  '</D:set></D:propertyupdate>',
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>',
  '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
  '&x;',
  '<a b="c">',
  '</a>',
  '<a>'.repeat(100),
  '\u0000',
  '<?xml version="1.0" encoding="utf-16"?>',
  '<x:y xmlns:x="z"/>',
  'text',
  ']]>',
  '<![CDATA[',
  'é',
];

function target(): string {
  const parts = Array.from({ length: below(4) }, () => pick(words));
  return `/fs${below(20) === 0 ? pick(words) : ''}/${parts.join('/')}${pick(queries)}`.replace(/[^\x21-\xff]/g, '_');
}

describe(`${count} mutated requests`, () => {
  it('leave the process alive, its memory flat and everything outside alone, and are never answered 500', async () => {
    const outside = snapshot(join(folder, 'outside'));
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const statuses = new Map<number, number>();
    const one = async (): Promise<void> => {
      const headers = Object.fromEntries(Array.from({ length: below(4) }, () => [pick(names), pick(values)]));
      const body = below(2) === 0 ? Array.from({ length: below(6) }, () => pick(pieces)).join('') : '';
      const [method, path] = [pick(methods), target()];
      const answer = await send(agent, { method, path, headers, body });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.text.includes('SECRET')) throw new Error(`${method} ${path} leaked`);
      if (answer.status === 500) throw new Error(`${method} ${path} ${JSON.stringify({ headers, body })}: 500 ${answer.text}`);
    };
    const run = async (times: number): Promise<void> => {
      for (let round = 0; round < times; round += 8) {
        await Promise.all(Array.from({ length: 8 }, one));
        // What grows under the root is not what is measured.
        if (round % 2_000 === 0)
          for (const name of readdirSync(join(folder, 'root')))
            if (!/^(a|tree|out|out-file)$/.test(name)) rmSync(join(folder, 'root', name), { recursive: true, force: true });
      }
    };
    await run(count / 10);
    const before = process.platform === 'linux' ? await served.collected() : 0;
    await run((count * 4) / 10);
    const half = process.platform === 'linux' ? await served.collected() : 0;
    await run((count * 5) / 10);
    agent.destroy();
    expect(served.isRunning).toBe(true);
    expect(snapshot(join(folder, 'outside'))).toEqual(outside);
    const growth = process.platform === 'linux' ? (await served.collected()) - before : 0;
    if (soak)
      process.stdout.write(
        `fuzz: ${JSON.stringify([...statuses].sort(([a], [b]) => a - b))}, memory +${(half - before).toFixed(0)} and then +${growth.toFixed(0)} MB\n`,
      );
    expect(growth).toBeLessThan(50);
    expect([...statuses.keys()].filter((status) => status < 300).length).toBeGreaterThan(0);
  }, 900_000);

  it('so do bytes that are no HTTP', async () => {
    const starts = [
      'GET /fs/a HTTP/1.1\r\nHost: x\r\n',
      'PUT /fs/b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n',
      'PROPFIND /fs/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello',
      '\0\0\0',
      'GET http://x/fs/ HTTP/9.9\r\n\r\n',
    ];
    for (let round = 0; round < count / 100; round += 1) {
      const socket = connect(served.port, '127.0.0.1');
      socket.on('error', () => undefined);
      const bytes = Buffer.from(pick(starts) + pick(values) + pick(pieces) + pick(['\r\n\r\n', '\n', '']), 'latin1');
      if (bytes.length > 0) bytes[below(bytes.length)] = below(256);
      socket.end(bytes);
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect(served.isRunning).toBe(true);
  }, 300_000);
});

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The answer; status 0 when the connection was cut or the client itself refused to send that. */
function send(agent: Agent, { method, path, headers, body }: Sent): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    try {
      const outgoing = request({
        host: '127.0.0.1',
        port: served.port,
        agent,
        method,
        path,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      });
      outgoing.on('error', () => resolve({ status: 0, text: '' }));
      outgoing.on('response', (response: IncomingMessage) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
        response.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      outgoing.end(body);
    } catch {
      resolve({ status: 0, text: '' });
    }
  });
}
