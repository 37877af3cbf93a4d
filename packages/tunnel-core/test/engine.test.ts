import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEngine } from '../src/index.ts';

describe('an engine address', () => {
  test.each([
    ['f587ee53.rstream.localhost:8080', { host: '127.0.0.1', port: 8080, serverName: 'f587ee53.rstream.localhost:8080' }],
    ['localhost:8080', { host: '127.0.0.1', port: 8080, serverName: 'localhost:8080' }],
    ['relay.example.com', { host: 'relay.example.com', port: 443, serverName: 'relay.example.com', tls: true }],
    ['relay.example.com:443', { host: 'relay.example.com', port: 443, serverName: 'relay.example.com', tls: true }],
    ['relay.example.com:8443', { host: 'relay.example.com', port: 8443, serverName: 'relay.example.com:8443', tls: true }],
    ['http://relay.example.com:8443', { host: 'relay.example.com', port: 8443, serverName: 'relay.example.com:8443' }],
    ['10.1.2.3:8080', { host: '10.1.2.3', port: 8080, serverName: '10.1.2.3:8080', tls: true }],
    ['[::1]:8080', { host: '::1', port: 8080, serverName: '[::1]:8080' }],
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080, serverName: '127.0.0.1:8080' }],
    ['relay.example.com:80', { host: 'relay.example.com', port: 80, serverName: 'relay.example.com:80', tls: true }],
    ['https://relay.example.com:8443/', { host: 'relay.example.com', port: 8443, serverName: 'relay.example.com:8443', tls: true }],
    ['http://relay.example.com', { host: 'relay.example.com', port: 80, serverName: 'relay.example.com' }],
    ['http://relay.example.com:443', { host: 'relay.example.com', port: 443, serverName: 'relay.example.com:443' }],
    ['https://a.b.localhost', { host: '127.0.0.1', port: 443, serverName: 'a.b.localhost', tls: true }],
    ['[::1]:8080', { host: '::1', port: 8080, serverName: '[::1]:8080' }],
    ['127.0.0.1:9000', { host: '127.0.0.1', port: 9000, serverName: '127.0.0.1:9000' }],
  ])('%s is understood', (engine, target) => {
    expect(parseEngine(engine)).toEqual(target);
  });

  test.each(['', ':8080', 'host:0', 'host:99999', 'ftp://host', 'https://host/path', 'host?x=1', 'two words:80', 'host:port'])(
    '"%s" is refused',
    (engine) => {
      expect(() => parseEngine(engine)).toThrow(expect.objectContaining({ code: 'ERR_RSTREAM_ENGINE_INVALID' }));
    },
  );

  test('with a password is refused without repeating it', () => {
    expect(() => parseEngine('https://user:hunter2@host')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });

  test('that is anything at all is understood or refused with the code', () => {
    const isUnderstoodOrRefused = (engine: string): boolean => {
      try {
        const { host, port } = parseEngine(engine);
        return host.length > 0 && port > 0 && port < 65_536;
      } catch (error) {
        return (error as { code?: string }).code === 'ERR_RSTREAM_ENGINE_INVALID';
      }
    };
    const failed = fc.check(fc.property(fc.oneof(fc.string(), fc.webUrl()), isUnderstoodOrRefused), { examples: [['.'], ['.:1']] });
    expect(failed.counterexample).toBeNull();
  });
});
