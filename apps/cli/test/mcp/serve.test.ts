import { writeFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioClientTransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, it } from 'vitest';
import { Home, RawServer, serveCommand } from './serve-process.ts';

const toolCount = 19;
const secret = 'eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoicGF0Iiwic3ViIjoidSJ9.c2lnbmF0dXJlLW9mLWEtZmFrZQ';

const withContext = (home: Home) =>
  writeFileSync(
    home.config,
    `version: 1\ndefaults: { context: { name: home } }\ncontexts:\n  - name: home\n    engine: 127.0.0.1:9\n    auth: { token: { storage: { kind: inline, value: ${secret} } } }\n`,
    { mode: 0o600 },
  );

describe.concurrent('real clients on the real process', { timeout: 60_000 }, () => {
  it.each([
    ['2026-07-28', { pin: '2026-07-28' }],
    ['the 2025 handshake', 'legacy'],
    ['whatever it finds', 'auto'],
  ] as const)('SDK v2 speaking %s lists the tools and calls one', async (_name, mode) => {
    using home = new Home();
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StdioClientTransport({ ...serveCommand, env: home.env, stderr: 'ignore' }));
    expect((await client.listTools()).tools).toHaveLength(toolCount);
    expect(client.getServerVersion()).toMatchObject({ name: 'rstream', title: 'rstream' });
    const result = await client.callTool({ name: 'rstream_runtime_status', arguments: {} });
    expect(result.structuredContent).toMatchObject({ ready: false, needs_context: true, config_path: home.config });
    await client.close();
  });

  it('SDK v1 lists the tools, calls one and accepts every output schema', async () => {
    using home = new Home();
    withContext(home);
    const client = new ClientV1({ name: 'test', version: '1' });
    await client.connect(new StdioClientTransportV1({ ...serveCommand, env: home.env, stderr: 'ignore' }));
    expect((await client.listTools()).tools).toHaveLength(toolCount);
    for (const name of ['rstream_runtime_status', 'rstream_context_list', 'rstream_context_get', 'rstream_local_tunnel_list']) {
      const result = await client.callTool({ name, arguments: {} });
      expect(result.isError).toBe(false);
      expect(JSON.stringify(result)).not.toContain(secret);
    }
    await client.close();
  });
});

describe.concurrent('the process', { timeout: 60_000 }, () => {
  it('says what is configured, and never the token', async () => {
    using home = new Home();
    withContext(home);
    await using server = new RawServer(home);
    await server.initialize();
    expect((await server.call('rstream_runtime_status')).data).toMatchObject({
      ready: true,
      selected_context: 'home',
      engine: '127.0.0.1:9',
    });
    expect((await server.call('rstream_context_get', { name: 'nobody' })).data).toMatchObject({ found: false });
    const unreachable = await server.call('rstream_webtty_list');
    expect(unreachable.isError).toBe(true);
    expect(unreachable.text).toMatch(/^error [A-Z_]+: .+\nnext: .+/);
    expect(server.lines.join('\n') + server.stderr).not.toContain(secret);
  });

  it('reports a broken configuration as a state, not as a crash', async () => {
    using home = new Home();
    writeFileSync(home.config, 'contexts: [', { mode: 0o600 });
    await using server = new RawServer(home);
    await server.initialize();
    const { isError, data } = await server.call('rstream_runtime_status');
    expect(isError).toBe(false);
    expect(data).toMatchObject({ ready: false, error: expect.any(String) });
  });

  it('answers after garbage, and prints nothing but messages on stdout', async () => {
    using home = new Home();
    await using server = new RawServer(home);
    server.send('garbage');
    server.send('{"jsonrpc":"2.0"');
    server.send('[1,2,3]');
    server.send('\u0000\u0007null');
    await server.initialize();
    const lists = await Promise.all(Array.from({ length: 8 }, () => server.request('tools/list').answer));
    expect(lists.every((message) => 'result' in message)).toBe(true);
    expect((await server.request('ping').answer).result).toEqual({});
    for (const line of server.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
  });

  it('answers 8 × 10 concurrent calls, each with its own result', async () => {
    using home = new Home();
    withContext(home);
    await using server = new RawServer(home);
    await server.initialize();
    for (let round = 0; round < 10; round += 1) {
      const names = Array.from({ length: 8 }, (_, at) => (at % 2 === 0 ? 'home' : `missing-${round}-${at}`));
      const results = await Promise.all(names.map((name) => server.call('rstream_context_get', { name })));
      expect(results.map(({ data }) => data['found'])).toEqual(names.map((name) => name === 'home'));
    }
    const burst = await Promise.all(Array.from({ length: 30 }, () => server.call('rstream_context_get', { name: 'home' })));
    const busy = burst.filter(({ text }) => text.includes('ERR_RSTREAM_MCP_BUSY')).length;
    expect(burst.filter(({ isError }) => !isError)).toHaveLength(30 - busy);
    expect(busy).toBeLessThanOrEqual(6);
  });

  it('offers a subset, and refuses an unknown one with a usage error', async () => {
    using home = new Home();
    await using server = new RawServer(home, ['--toolset', 'core,webtty', '--read-only']);
    await server.initialize();
    const { result } = (await server.request('tools/list').answer) as { result: { tools: { name: string }[] } };
    expect(result.tools.map(({ name }) => name)).toEqual([
      'rstream_context_get',
      'rstream_context_list',
      'rstream_runtime_status',
      'rstream_webtty_job_list',
      'rstream_webtty_job_read',
      'rstream_webtty_list',
    ]);
    await using wrong = new RawServer(home, ['--tools', 'nothing']);
    expect(await wrong.exited).toBe(2);
    expect(wrong.stderr).toContain('There is no tool "nothing"');
  });
});

// One after the other: the time to exit is what is measured.
describe('the end of the process', { timeout: 60_000 }, () => {
  it.each(['end of input', 'SIGTERM', 'SIGINT'] as const)('exits with 0 within 2 s on %s', async (how) => {
    using home = new Home();
    await using server = new RawServer(home);
    await server.initialize();
    const from = performance.now();
    if (how === 'end of input') server.process.stdin.end();
    else server.process.kill(how);
    expect(await server.exited).toBe(0);
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  it('exits when nobody reads its output any more', async () => {
    using home = new Home();
    await using server = new RawServer(home);
    await server.initialize();
    server.process.stdout.destroy();
    server.send({ jsonrpc: '2.0', id: 99, method: 'tools/list', params: {} });
    server.send({ jsonrpc: '2.0', id: 100, method: 'tools/list', params: {} });
    expect(await server.exited).toBe(0);
  });
});
