import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { RstreamError } from '@rstream/protocol';
import { clientAddress } from '../src/http/authenticate.ts';
import { FailedAuthentications } from '../src/http/failed-authentication.ts';
import { hostTarget } from '../src/http/hosts.ts';
import { WatcherPlaces } from '../src/http/watcher-places.ts';

const failure = new RstreamError('UNAUTHORIZED');

describe('failed authentications', () => {
  it('are answered 401 within the burst, 429 after it, and 401 again after a while', () => {
    let now = 0;
    const failures = new FailedAuthentications({ burst: 2, perSecond: 1, now: () => now });
    const codes = (): string => failures.record('10.0.0.1', failure).code;
    expect([codes(), codes(), codes()]).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED', 'CAPACITY_EXHAUSTED']);
    expect(failures.record('10.0.0.2', failure)).toBe(failure);
    now = 1_000;
    expect([codes(), codes()]).toEqual(['UNAUTHORIZED', 'CAPACITY_EXHAUSTED']);
  });

  it('remember a bounded number of addresses', () => {
    const failures = new FailedAuthentications({ addresses: 100 });
    for (let i = 0; i < 10_000; i += 1) failures.record(`address-${i}`, failure);
    expect(failures.size).toBe(100);
  });
});

describe('the address of a client', () => {
  const request = (remoteAddress: string, forwarded?: string): IncomingMessage =>
    ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;
  const isProxy = (address: string): boolean => address.startsWith('10.');

  it.each([
    ['is that of its connection', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['is what the trusted proxy says', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['is the last hop that no trusted proxy added', '10.0.0.1', '1.1.1.1, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['is the proxy when it says nothing', '10.0.0.1', undefined, '10.0.0.1'],
    ['reads a mapped address as IPv4', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ])('%s', (...[, peer, forwarded, expected]) => {
    expect(clientAddress(request(peer, forwarded), isProxy)).toBe(expected);
  });
});

describe('a host name', () => {
  const project = { id: 'prj_1', workspaceId: 'wsp_1', endpoint: '0badcafe' };
  const projects = { byEndpoint: (endpoint: string) => (endpoint === project.endpoint ? project : undefined) };

  it.each([
    ['rstream.localhost', 'control'],
    ['RStream.localhost:8080', 'control'],
    ['0badcafe.rstream.localhost:1', 'engine'],
    ['ffffffff.rstream.localhost', 'unknown'],
    ['x-0badcafe.t.rstream.localhost', 'tunnel'],
    ['evilrstream.localhost', 'unknown'],
    ['rstream.localhost.evil.example', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('%s belongs to: %s', (host, kind) => {
    expect(hostTarget(host, 'rstream.localhost', projects).kind).toBe(kind);
  });
});

describe('places of watchers', () => {
  it('are refused when all are taken and free again when a watcher goes', () => {
    const places = new WatcherPlaces(1);
    const first = new AbortController();
    places.take(first.signal);
    expect(() => places.take(new AbortController().signal)).toThrow(expect.objectContaining({ code: 'CAPACITY_EXHAUSTED' }));
    first.abort();
    expect(places.taken).toBe(0);
    places.take(new AbortController().signal);
  });
});
