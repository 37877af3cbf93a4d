import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RstreamError, errorEntry, errorFromReport, localErrors, toRstreamError, wireErrors, type ErrorEntry } from '@rstream/protocol';

const wire = Object.entries<ErrorEntry>(wireErrors);
const local = Object.entries<ErrorEntry>(localErrors);

describe('the error tables', () => {
  it.each([...wire, ...local])('%s: whole sentences, and a next step', (_code, entry) => {
    expect(entry.about).toMatch(/^\S.*[.]$/);
    // A command to paste ends a step without a full stop.
    expect(entry.next).toMatch(/^\S.*[.]$|: [a-z].*$/);
  });

  it('name wire codes without a prefix, local codes with one', () => {
    for (const [code] of wire) expect(code).toMatch(/^(?!ERR_)[A-Z]+(_[A-Z]+)*$/);
    for (const [code] of local) expect(code).toMatch(/^ERR_RSTREAM_[A-Z0-9]+(_[A-Z0-9]+)*$/);
  });

  it('give each wire code an HTTP error status, and no number twice', () => {
    for (const [, entry] of wire) expect(entry.status).toSatisfy((status: number) => status >= 400 && status < 600);
    const numbers = wire.flatMap(([, entry]) => entry.wire ?? []);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('keep the numbers of the published protocol', () => {
    const numbers = Object.fromEntries(wire.flatMap(([code, entry]) => (entry.wire === undefined ? [] : [[code, entry.wire]])));
    expect(numbers).toEqual({
      UNAUTHORIZED: 1000,
      INVALID_REQUEST: 2000,
      PROTOCOL_VERSION_MISSING: 2010,
      PROTOCOL_VERSION_INVALID: 2020,
      PROTOCOL_VERSION_INCOMPATIBLE: 2030,
      TUNNEL_NOT_FOUND: 3000,
      INVALID_STREAM: 4000,
      FEATURE_NOT_AVAILABLE: 5000,
      SERVICE_UNAVAILABLE: 6000,
      CAPACITY_EXHAUSTED: 7000,
      INTERNAL: 9000,
    });
  });

  it('lose no local code to another area of the same name', async () => {
    const folder = new URL('../src/errors/', import.meta.url);
    const files = readdirSync(folder).filter((file) => /^local-.+\.ts$/.test(file));
    const tables = await Promise.all(
      files.map(async (file) => Object.values((await import(new URL(file, folder).href)) as Record<string, object>)),
    );
    const codes = tables.flat().flatMap((table) => Object.keys(table));
    expect(codes.sort()).toEqual(local.map(([code]) => code).sort());
  });
});

describe('RstreamError', () => {
  it('takes sentence, next step and status from its row', () => {
    const { about, next, status } = wireErrors.FORBIDDEN;
    expect(new RstreamError('FORBIDDEN')).toMatchObject({ name: 'RstreamError', code: 'FORBIDDEN', message: about, next, status });
    expect(new RstreamError('ERR_RSTREAM_USAGE').status).toBe(500);
  });

  it('keeps what its maker says instead', () => {
    const cause = new Error('why');
    const error = new RstreamError('INTERNAL', 'Words.', { next: 'Do.', cause, details: { field: 'a' } });
    expect(error).toMatchObject({ message: 'Words.', next: 'Do.', cause });
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code: 'INTERNAL', message: 'Words.', next: 'Do.', details: { field: 'a' } });
  });

  it('never shows its cause in JSON', () => {
    expect(JSON.stringify(new RstreamError('INTERNAL', undefined, { cause: new Error('secret') }))).not.toContain('secret');
  });

  it('is recognised across copies of the package, and nothing else is', () => {
    expect(RstreamError.is({ [Symbol.for('@rstream/error')]: true })).toBe(true);
    for (const value of [undefined, null, 'x', new Error('x'), { code: 'INTERNAL' }]) expect(RstreamError.is(value)).toBe(false);
  });
});

describe('an error from a peer', () => {
  it('keeps its code, words and next step', () => {
    expect(errorFromReport({ code: 'TUNNEL_OFFLINE', message: 'Gone.', next: 'Start it.' })).toMatchObject({
      code: 'TUNNEL_OFFLINE',
      message: 'Gone.',
      next: 'Start it.',
    });
  });

  it('becomes INTERNAL when this version does not know its code', () => {
    for (const code of ['NEWER_CODE', 'toString', '__proto__', '']) {
      expect(errorFromReport({ code, message: 'Words.' })).toMatchObject({
        code: 'INTERNAL',
        message: 'Words.',
        details: { peerCode: code },
      });
      expect(errorEntry(code)).toBe(wireErrors.INTERNAL);
    }
  });
});

describe('toRstreamError', () => {
  it('returns an rstream error as it is and wraps anything else', () => {
    const error = new RstreamError('FORBIDDEN');
    expect(toRstreamError(error, 'INTERNAL')).toBe(error);
    const cause = new Error('disk full');
    expect(toRstreamError(cause, 'SERVICE_UNAVAILABLE')).toMatchObject({ code: 'SERVICE_UNAVAILABLE', message: 'disk full', cause });
    for (const value of [undefined, null, 'text', new Error('')])
      expect(toRstreamError(value)).toMatchObject({ code: 'INTERNAL', message: wireErrors.INTERNAL.about });
  });
});
