import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tunnel } from '@rstream/protocol/tunnel';
import { RstreamError } from '@rstream/protocol';
import { exitStatus, exitStatusOfError, filterWebttyServers, findWebttyServer, parseWebttyServers } from '@rstream/webtty-client';
import { KeptOutput } from '../src/kept-output.ts';
import { outputText } from '../src/output-text.ts';

const join = (chunks: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks));

function keep(bytes: Uint8Array, limit: number, chunkSize = 7): KeptOutput {
  const kept = new KeptOutput(limit);
  for (let at = 0; at < bytes.byteLength; at += chunkSize) kept.push(bytes.subarray(at, at + chunkSize));
  return kept;
}

describe('kept output', () => {
  it('is the head and the tail of what was written, for any chunking and any limit', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 30 }), fc.integer({ min: 0, max: 200 }), (chunks, limit) => {
        const kept = new KeptOutput(limit);
        for (const chunk of chunks) kept.push(chunk);
        const all = join(chunks);
        const { head, tail, omittedBytes } = kept.parts();
        expect(kept.totalBytes).toBe(all.byteLength);
        expect(head.byteLength + tail.byteLength).toBe(Math.min(limit, all.byteLength));
        expect(omittedBytes).toBe(Math.max(0, all.byteLength - limit));
        expect(head).toEqual(all.subarray(0, head.byteLength));
        expect(tail).toEqual(all.subarray(all.byteLength - tail.byteLength));
      }),
    );
  });

  it('can be shrunk further and is still head and tail', () => {
    const all = Uint8Array.from({ length: 1000 }, (_, index) => index & 0xff);
    const { head, tail, omittedBytes } = keep(all, 100).parts(10);
    expect([head, tail, omittedBytes]).toEqual([all.slice(0, 5), all.slice(995), 990]);
  });

  it('is never cut inside a character', () => {
    const text = 'aé€😀'.repeat(200);
    const bytes = new TextEncoder().encode(text);
    for (let limit = 20; limit < 60; limit += 1) {
      const { stdout, encoding } = outputText(keep(bytes, limit), new KeptOutput(limit), limit);
      expect(encoding).toBe('utf8');
      const [head = '', tail = ''] = stdout.split(/\n\[\.\.\. \d+ bytes omitted \.\.\.\]\n/);
      expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
      expect(head.length + tail.length).toBeGreaterThan(3);
    }
  });

  it('keeps an output that arrives in split characters as it is', () => {
    const bytes = new TextEncoder().encode('grüße, мир, 世界, 🌍\n');
    for (let size = 1; size < 5; size += 1) {
      expect(outputText(keep(bytes, 1000, size), new KeptOutput(1000), 1000).stdout).toBe('grüße, мир, 世界, 🌍\n');
    }
  });
});

describe('exit status', () => {
  const ended = { exit_code: 0, signal: null, timed_out: false, cancelled: false };
  it.each([
    [ended, 0],
    [{ ...ended, exit_code: 7 }, 7],
    [{ ...ended, exit_code: 255 }, 255],
    [{ ...ended, exit_code: 70_000 }, 255],
    [{ ...ended, exit_code: null, signal: 'SIGTERM' }, 143],
    [{ ...ended, exit_code: null, signal: 'SIGKILL' }, 137],
    [{ ...ended, exit_code: null, signal: 'SIGTERM', timed_out: true }, 124],
    [{ ...ended, exit_code: null, signal: 'SIGTERM', cancelled: true }, 130],
    [{ ...ended, exit_code: null }, 125],
  ])('of %j is %i', (result, status) => {
    expect(exitStatus(result)).toBe(status);
  });

  it('of an error tells not found and denied apart from the rest', () => {
    expect(exitStatusOfError(new RstreamError('ERR_RSTREAM_COMMAND_NOT_FOUND'))).toBe(127);
    expect(exitStatusOfError(new RstreamError('ERR_RSTREAM_COMMAND_DENIED'))).toBe(126);
    expect(exitStatusOfError(new RstreamError('ERR_RSTREAM_COMMAND_NOT_EXECUTABLE'))).toBe(126);
    expect(exitStatusOfError(new RstreamError('TUNNEL_NOT_FOUND'))).toBe(125);
    expect(exitStatusOfError(new Error('x'))).toBe(125);
  });
});

const tunnel = (parts: Partial<Tunnel>): Tunnel => ({
  id: 'tun_1',
  status: 'online',
  creation_date: '2026-01-01T00:00:00Z',
  type: 'bytestream',
  publish: false,
  client_id: 'c',
  user_id: 'u',
  workspace_id: 'w',
  project_id: 'p',
  ...parts,
});
const device = (name: string, labels: Record<string, string> = {}): Tunnel =>
  tunnel({ id: `tun_${name}`, name, labels: { 'application-protocol': 'rstream.webtty', ...labels } });

describe('devices among tunnels', () => {
  it('are those with the label or the protocol, with the defaults of the published product', () => {
    const servers = parseWebttyServers([
      tunnel({ name: 'web', protocol: 'http' }),
      device('box'),
      tunnel({ id: 't2', protocol: 'webtty' }),
    ]);
    expect(servers.map((server) => [server.target, server.rstream_url, server.managed])).toEqual([
      ['box', 'rstrm://box', false],
      ['t2', 'rstrm://t2', true],
    ]);
    expect(servers[0]).toMatchObject({ capabilities: ['exec'], exec_path: '/', publish: false, token_auth: false, labels: {} });
    expect(servers[0]).not.toHaveProperty('fs_path');
  });

  it('prefer the server name as target and the server id in the address, and show the operator labels bare', () => {
    const [server] = parseWebttyServers([
      device('box', {
        'rstream.webtty.server_id': 'srv_1',
        'rstream.webtty.server_name': 'Box',
        'rstream.webtty.capabilities': 'exec, fs, later',
        'rstream.webtty.label.rack': '7',
        'rstream.webtty.os_id': 'debian',
      }),
    ]);
    expect(server).toMatchObject({
      target: 'Box',
      rstream_url: 'rstrm://srv_1',
      capabilities: ['exec', 'fs'],
      labels: { rack: '7' },
      os_id: 'debian',
    });
    expect(server).toMatchObject({ fs_path: '/fs', fs_backend: 'webdav', fs_mode: 'read-write' });
  });

  const servers = parseWebttyServers([device('build-01', { 'rstream.webtty.label.rack': '7' }), device('build-02'), device('edge')]);
  it.each([
    [{ filter: 'build' }, ['build-01', 'build-02']],
    [{ filter: 'labels.rack=7' }, ['build-01']],
    [{ filter: 'status=online, build' }, ['build-01', 'build-02']],
    [{ filter: 'capabilities=fs' }, []],
    [{ name: 'edge' }, ['edge']],
    [{ name: 'edg' }, []],
    [{}, ['build-01', 'build-02', 'edge']],
  ])('are filtered by %j', (filter, names) => {
    expect(filterWebttyServers(servers, filter).map((server) => server.target)).toEqual(names);
  });

  it('are found by name, id or address, and an ambiguous name asks for the id', () => {
    expect(findWebttyServer(servers, 'rstrm://edge/path').tunnel_id).toBe('tun_edge');
    expect(findWebttyServer(servers, 'tun_edge').target).toBe('edge');
    expect(() => findWebttyServer(servers, 'nope')).toThrow(expect.objectContaining({ code: 'TUNNEL_NOT_FOUND' }));
    const twins = parseWebttyServers([
      device('a', { 'rstream.webtty.server_name': 'x' }),
      device('b', { 'rstream.webtty.server_name': 'x' }),
    ]);
    expect(() => findWebttyServer(twins, 'x')).toThrow(/tun_a, tun_b/);
  });
});
