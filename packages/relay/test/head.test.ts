import * as fc from 'fast-check';
import { RstreamError } from '@rstream/protocol';
import { describe, expect, test } from 'vitest';
import { HeadReader } from '../src/edge/head-reader.ts';
import { parseHead } from '../src/edge/head.ts';

const parse = (text: string): ReturnType<typeof parseHead> => parseHead(text, 200);
const statusOf = (text: string): number => {
  try {
    parse(text);
    return 200;
  } catch (error) {
    return RstreamError.is(error) ? error.status : 0;
  }
};

describe('a request head is refused', () => {
  test.each([
    ['no version', 'GET /\r\nHost: a', 400],
    ['a lower-case version', 'GET / http/1.1\r\nHost: a', 400],
    ['two blanks in the request line', 'GET  / HTTP/1.1\r\nHost: a', 400],
    ['a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: a', 400],
    ['HTTP/2 on this port', 'PRI * HTTP/2.0', 505],
    ['HTTP/0.9', 'GET / HTTP/0.9\r\nHost: a', 505],
    ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a', 505],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443', 400],
    ['a fragment in the target', 'GET /#x HTTP/1.1\r\nHost: a', 400],
    ['a relative target', 'GET x HTTP/1.1\r\nHost: a', 400],
    ['an asterisk that is not for OPTIONS', 'GET * HTTP/1.1\r\nHost: a', 400],
    ['no Host', 'GET / HTTP/1.1', 400],
    ['no Host in HTTP/1.0 (nothing to route by)', 'GET / HTTP/1.0', 400],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a', 400],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:', 400],
    ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b', 400],
    ['a Host with a user', 'GET / HTTP/1.1\r\nHost: u@a', 400],
    ['another authority in the target', 'GET http://b/ HTTP/1.1\r\nHost: a', 400],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2', 400],
    ['a blank before the colon', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5', 400],
    ['a field without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense', 400],
    ['a field without a name', 'GET / HTTP/1.1\r\nHost: a\r\n: x', 400],
    ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b', 400],
    ['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked', 400],
    ['a bare LF in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\nTransfer-Encoding: chunked', 400],
    ['both lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked', 400],
    ['differing lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5', 400],
    ['a list of lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4', 400],
    ['a signed length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4', 400],
    ['a hexadecimal length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4', 400],
    ['a negative length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1', 400],
    ['an empty length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length:', 400],
    ['an enormous length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999', 400],
    ['another coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip', 400],
    ['chunked not alone', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked', 400],
    ['chunked twice', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 400],
    ['chunked with a vertical tab', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked', 400],
    ['chunked in quotes', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "chunked"', 400],
    ['chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked', 400],
    ['too many fields', `GET / HTTP/1.1\r\nHost: a${'\r\nx: y'.repeat(200)}`, 431],
  ])('with %s', (_name, text, status) => {
    expect(statusOf(text)).toBe(status);
  });
});

describe('a request head is read', () => {
  test('in origin form, with its framing and its connection options', () => {
    const head = parse('POST /a?b HTTP/1.1\r\nHost: App.Example:8080\r\nContent-Length: 12\r\nConnection: close, X-Hop');
    expect(head).toMatchObject({ method: 'POST', target: '/a?b', hostname: 'app.example', host: 'App.Example:8080', close: true });
    expect(head.body).toEqual({ kind: 'length', length: 12 });
    expect(head.hopFields).toEqual(new Set(['close', 'x-hop']));
  });

  test('with an absolute target reduced to its path', () => {
    expect(parse('GET http://a:80/x?y HTTP/1.1\r\nHost: a:80').target).toBe('/x?y');
    expect(parse('GET http://a HTTP/1.1\r\nHost: a').target).toBe('/');
  });

  test('with a websocket upgrade kept and an h2c upgrade forgotten', () => {
    const upgrade = (value: string): string | undefined =>
      parse(`GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: ${value}`).upgrade;
    expect(upgrade('websocket')).toBe('websocket');
    expect(upgrade('h2c')).toBeUndefined();
    expect(upgrade('websocket, h2c')).toBeUndefined();
  });

  test('with HTTP/1.0 closing unless keep-alive was asked for', () => {
    expect(parse('GET / HTTP/1.0\r\nHost: a').close).toBe(true);
    expect(parse('GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive').close).toBe(false);
  });

  test('with a trailing dot and the port taken off the host name, and an IPv6 literal left whole', () => {
    expect(parse('GET / HTTP/1.1\r\nHost: a.b.:81').hostname).toBe('a.b');
    expect(parse('GET / HTTP/1.1\r\nHost: [::1]:81').hostname).toBe('[::1]');
  });
});

/** Feeds a text in pieces and returns the heads that were found, and the status of the refusal if there was one. */
function readAll(text: string, cuts: readonly number[]): { heads: string[]; rest: string; refused: number } {
  const bytes = Buffer.from(text, 'latin1');
  const reader = new HeadReader(1024);
  const heads: string[] = [];
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  try {
    for (let index = 1; index < edges.length; index += 1) {
      const chunk = bytes.subarray(edges[index - 1], edges[index]);
      for (let at = 0; at < chunk.length;) {
        const found = reader.push(chunk, at);
        if (found === undefined) break;
        heads.push(found.head.toString('latin1'));
        at = found.end;
      }
    }
    return { heads, rest: reader.take().toString('latin1'), refused: 0 };
  } catch (error) {
    return { heads, rest: '', refused: RstreamError.is(error) ? error.status : -1 };
  }
}

test('any chunking of pipelined heads gives the same heads', () => {
  const head = fc
    .tuple(fc.constantFrom('GET', 'POST', 'PURGE'), fc.stringMatching(/^[a-z0-9/]{0,20}$/), fc.stringMatching(/^[ -~]{0,40}$/))
    .map(([method, path, value]) => `${method} /${path} HTTP/1.1\r\nHost: a\r\nX: ${value}\r\n\r\n`);
  fc.assert(
    fc.property(fc.array(head, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(), { maxLength: 12 }), (heads, cuts) => {
      expect(readAll(heads.join(''), cuts)).toEqual({ heads, rest: '', refused: 0 });
    }),
  );
});

test('any chunking of garbage is refused or waits for more, and never throws anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.array(fc.nat(), { maxLength: 8 }), (bytes, cuts) => {
      const { refused } = readAll(Buffer.from(bytes).toString('latin1'), cuts);
      expect([0, 400, 431]).toContain(refused);
    }),
  );
});

test('a head that does not end within the limit is refused with 431', () => {
  expect(readAll(`GET / HTTP/1.1\r\nX: ${'a'.repeat(2000)}`, [100, 500]).refused).toBe(431);
});

test('a bare line feed and a TLS hello are refused at the first byte that shows them', () => {
  expect(readAll('GET / HTTP/1.1\n', []).refused).toBe(400);
  expect(readAll('\x16\x03\x01\x02', []).refused).toBe(400);
  expect(readAll('GET / HTTP/1.1\r\nHost: a\n\n', [17]).refused).toBe(400);
});
