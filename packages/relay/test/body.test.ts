import * as fc from 'fast-check';
import { RstreamError } from '@rstream/protocol';
import { describe, expect, test } from 'vitest';
import { scannerFor, type BodyScanner } from '../src/edge/body.ts';
import { ResponseTracker, type Exchange } from '../src/edge/response.ts';

const limits = { chunkLineBytes: 64, chunkExtensionBytes: 128, trailerBytes: 128, responseHeadBytes: 4096 };
const chunked = (): BodyScanner => scannerFor({ kind: 'chunked' }, limits) as BodyScanner;

/** Bytes that belong to the body, over any chunking; -1 when it was refused. */
function lengthOf(scanner: BodyScanner, text: string, cuts: readonly number[] = []): number {
  const bytes = Buffer.from(text, 'latin1');
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  let taken = 0;
  try {
    for (let index = 1; index < edges.length && !scanner.done; index += 1) {
      const chunk = bytes.subarray(edges[index - 1], edges[index]);
      taken += scanner.scan(chunk, 0);
    }
    return taken;
  } catch (error) {
    if (!RstreamError.is(error)) throw error;
    return -1;
  }
}

describe('a chunked body', () => {
  test.each([
    ['ends after the last chunk', '5\r\nhello\r\n0\r\n\r\n', 'NEXT'],
    ['may have extensions', '5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n', 'NEXT'],
    ['may have trailers', '0\r\nX-Sum: 1\r\nY:\r\n\r\n', 'NEXT'],
    ['may use any hex digits', 'A\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n', 'GET'],
  ])('%s', (_name, body, next) => {
    expect(lengthOf(chunked(), body + next)).toBe(body.length);
  });

  test.each([
    ['a bare LF after the size', '5\nhello\r\n0\r\n\r\n'],
    ['no size', '\r\nhello'],
    ['a sign', '+5\r\nhello\r\n'],
    ['0x', '0x5\r\nhello\r\n'],
    ['a blank before the size', ' 5\r\nhello\r\n'],
    ['a blank after the size', '5 \r\nhello\r\n'],
    ['a size that is too large', 'ffffffffffffffff\r\n'],
    ['data longer than the size', '5\r\nhelloX\r\n'],
    ['a bare LF after the data', '5\r\nhello\n0\r\n\r\n'],
    ['an endless extension', `5;${'a'.repeat(100)}\r\nhello\r\n`],
    ['many extensions', `${'1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n'.repeat(5)}0\r\n\r\n`],
    ['a LF in an extension', '5;a\nb\r\nhello\r\n'],
    ['endless trailers', `0\r\n${'x: y\r\n'.repeat(100)}\r\n`],
    ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n'],
    ['a trailer that frames', '0\r\nContent-Length: 5\r\n\r\n'],
    ['a trailer with a bare LF', '0\r\nX: a\n\r\n'],
  ])('with %s is refused', (_name, body) => {
    expect(lengthOf(chunked(), body)).toBe(-1);
  });

  test('ends at the same byte over any chunking', () => {
    const parts = fc.array(fc.tuple(fc.stringMatching(/^[ -~]{1,40}$/), fc.stringMatching(/^[a-z=]{0,5}$/)), { maxLength: 4 });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(), { maxLength: 20 }), (chunks, cuts) => {
        const body = `${chunks.map(([data, ext]) => `${data.length.toString(16)}${ext && `;${ext}`}\r\n${data}\r\n`).join('')}0\r\nT: 1\r\n\r\n`;
        expect(lengthOf(chunked(), `${body}GET / HTTP/1.1\r\n`, cuts)).toBe(body.length);
      }),
    );
  });
});

test('a body with a length ends after that many bytes', () => {
  expect(lengthOf(scannerFor({ kind: 'length', length: 5 }, limits) as BodyScanner, 'helloGET')).toBe(5);
});

describe('a response', () => {
  const get: Exchange = { method: 'GET', upgrade: false };
  const follow = (text: string, waiting: Exchange[], size = text.length): ResponseTracker => {
    const tracker = new ResponseTracker(limits);
    for (let at = 0; at < text.length; at += size) tracker.scan(Buffer.from(text.slice(at, at + size), 'latin1'), waiting);
    return tracker;
  };

  test.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
    ['with chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['without content', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['not modified, with the length of what it would be', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    [
      'after an interim one',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
  ])('%s is complete at its last byte, byte by byte', (_name, text) => {
    const waiting = [get, get];
    const tracker = follow(text, waiting, 1);
    expect(waiting).toHaveLength(1);
    expect(tracker.atBoundary).toBe(true);
    const early = [get];
    follow(text.slice(0, -1), early, 1);
    expect(early).toHaveLength(1);
  });

  test('to HEAD has no body whatever its length says', () => {
    const waiting: Exchange[] = [{ method: 'HEAD', upgrade: false }, get];
    follow('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', waiting);
    expect(waiting).toEqual([get]);
  });

  test('without framing, with two lengths, or with broken chunks lasts until the service closes', () => {
    for (const text of [
      'HTTP/1.1 200 OK\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ]) {
      const waiting = [get];
      expect(follow(text, waiting)).toMatchObject({ endsWithStream: true, closing: true });
      expect(waiting).toHaveLength(1);
    }
  });

  test('101 switches only where an upgrade was asked for', () => {
    const text = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nraw';
    expect(follow(text, [{ method: 'GET', upgrade: true }]).switched).toBe(true);
    expect(() => follow(text, [get])).toThrow(/without being asked/);
  });

  test('that nobody asked for, or that is not HTTP, is refused', () => {
    expect(() => follow('HTTP/1.1 200 OK\r\n\r\n', [])).toThrow(/answer no request/);
    expect(() => follow('SSH-2.0-OpenSSH\r\n\r\n', [get])).toThrow(/HTTP/);
  });
});
