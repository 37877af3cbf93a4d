import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLoopback, parseBaseHost, parseListenAddress, parseNetworks } from '../src/config/address.ts';
import { checkExposure, peerTest } from '../src/config/exposure.ts';
import { loadHostedConfig, parseHostedConfig } from '../src/config/load.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rstream-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const file = (text: string): string => {
  const path = join(directory, `${Math.random()}.yaml`);
  writeFileSync(path, text);
  return path;
};

describe('the settings', () => {
  it('take the flag over the environment over the file over the default', () => {
    const path = file('listen: 127.0.0.1:1\nbaseHost: file.localhost\nlogLevel: debug\ndrainTimeout: 3s\n');
    const env = { RSTREAM_HOSTED_LISTEN: '127.0.0.1:2', RSTREAM_HOSTED_BASE_HOST: 'env.localhost', OTHER: 'x' };
    const { config } = loadHostedConfig({ flags: { listen: '127.0.0.1:3', metrics: { listen: undefined } }, env, file: path });
    expect(config).toMatchObject({
      listen: '127.0.0.1:3',
      baseHost: 'env.localhost',
      logLevel: 'debug',
      drainTimeout: 3_000,
      metrics: { listen: '127.0.0.1:9464' },
    });
  });

  it('nest an environment variable at each double underscore and read lists and switches from text', () => {
    const env = {
      RSTREAM_HOSTED_METRICS__LISTEN: 'off',
      RSTREAM_HOSTED_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      RSTREAM_HOSTED_INSECURE: 'true',
    };
    const loaded = loadHostedConfig({ env });
    expect(loaded.config).toMatchObject({ metrics: { listen: 'off' }, trustedProxies: ['10.0.0.0/8', '::1'], insecure: true });
    expect(loaded.isChosen('metrics.listen')).toBe(true);
    expect(loaded.isChosen('listen')).toBe(false);
  });

  it('read the file that RSTREAM_HOSTED_CONFIG names', () => {
    expect(loadHostedConfig({ env: { RSTREAM_HOSTED_CONFIG: file('dataDir: /data\n') } }).config.dataDir).toBe('/data');
  });

  it.each([
    ['an unknown key', { listn: 'x' }, 'listn'],
    ['an unknown nested key', { tls: { certificate: 'x' } }, 'tls'],
    ['a bad level', { logLevel: 'loud' }, 'logLevel'],
    ['a bad address', { listen: 'nowhere' }, 'nowhere'],
    ['a port past the range', { listen: '127.0.0.1:70000' }, '70000'],
    ['a base host that is an address', { baseHost: '127.0.0.1:80' }, '127.0.0.1:80'],
    ['half a TLS pair', { tls: { cert: 'x' } }, 'together'],
    ['a bad network', { trustedProxies: ['10.0.0.0/99'] }, '10.0.0.0/99'],
    ['a bad duration', { drainTimeout: 'soon' }, 'drainTimeout'],
  ])('refuse %s and name it', (_, input, word) => {
    expect(() => parseHostedConfig(input)).toThrowError(
      expect.objectContaining({ code: 'ERR_RSTREAM_HOSTED_CONFIG', message: expect.stringContaining(word) }),
    );
  });

  it.each([['not: [closed'], ['- a list'], ['just text']])('refuse the file %j', (text) => {
    expect(() => loadHostedConfig({ file: file(text) })).toThrowError(expect.objectContaining({ code: 'ERR_RSTREAM_HOSTED_CONFIG' }));
  });

  it('refuse an unknown environment variable of their own prefix', () => {
    expect(() => loadHostedConfig({ env: { RSTREAM_HOSTED_LISTN: 'x' } })).toThrowError(/listn/);
  });
});

describe('a listener', () => {
  it.each([
    { listen: '127.0.0.1:0' },
    { listen: '127.9.9.9:1' },
    { listen: '[::1]:1' },
    { listen: 'localhost:1' },
    { listen: '0.0.0.0:8080', insecure: true },
    { listen: '0.0.0.0:8443', tls: { cert: 'c', key: 'k' } },
    { listen: '0.0.0.0:8080', trustedProxies: ['10.0.0.0/8'] },
  ])('with %j may carry tokens', (input) => {
    expect(() => checkExposure(parseHostedConfig(input))).not.toThrow();
  });

  it.each([{ listen: '0.0.0.0:8080' }, { listen: ':8080' }, { listen: 'example.com:80' }])('with %j may not', (input) => {
    expect(() => checkExposure(parseHostedConfig(input))).toThrow(expect.objectContaining({ code: 'ERR_RSTREAM_HOSTED_EXPOSED' }));
  });
});

describe('who may connect to a clear-text listener behind a proxy', () => {
  const mayConnect = (input: object, address: string): boolean =>
    peerTest(parseHostedConfig(input), (peer) => peer === '10.0.0.1')(address);
  const behindProxy = { listen: '0.0.0.0:8080', trustedProxies: ['10.0.0.1'] };

  it('the proxy and loopback, also written as mapped addresses, and nobody else', () => {
    expect(['10.0.0.1', '127.0.0.1', '::1', '::ffff:127.0.0.1'].every((peer) => mayConnect(behindProxy, peer))).toBe(true);
    expect(['10.0.0.2', '203.0.113.9', '::ffff:203.0.113.9', ''].some((peer) => mayConnect(behindProxy, peer))).toBe(false);
  });

  it('anyone when the listener has TLS of its own or the operator accepted the risk', () => {
    expect(mayConnect({ ...behindProxy, tls: { cert: 'c', key: 'k' } }, '203.0.113.9')).toBe(true);
    expect(mayConnect({ ...behindProxy, insecure: true }, '203.0.113.9')).toBe(true);
  });
});

describe('addresses', () => {
  it('are parsed into host and port', () => {
    expect(parseListenAddress('127.0.0.1:80')).toEqual({ host: '127.0.0.1', port: 80 });
    expect(parseListenAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
    expect(parseListenAddress(':80')).toEqual({ host: '::', port: 80 });
    expect(parseBaseHost('RStream.localhost:8080')).toEqual({ name: 'rstream.localhost', port: 8080 });
    expect(parseBaseHost('example.com:0')).toEqual({ name: 'example.com', port: undefined });
  });
  it('know loopback and networks', () => {
    expect(isLoopback('10.0.0.1')).toBe(false);
    expect(isLoopback('example.com')).toBe(false);
    const list = parseNetworks(['10.0.0.0/8', 'fd00::/8', '192.168.1.1']);
    expect(list.check('10.2.3.4', 'ipv4')).toBe(true);
    expect(list.check('192.168.1.2', 'ipv4')).toBe(false);
    expect(list.check('fd00::1', 'ipv6')).toBe(true);
  });
});
