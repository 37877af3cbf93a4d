import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioClientTransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engineToken, FakeEngine, mintedToken } from './fake-engine.ts';
import { Home, isAlive, RawServer, serveCommand } from './serve-process.ts';

let web: Server;
let port: number;
let engine: FakeEngine;

beforeAll(async () => {
  web = createServer((request, response) => response.end(`hello ${request.url}`)).listen(0, '127.0.0.1');
  await once(web, 'listening');
  ({ port } = web.address() as AddressInfo);
  engine = await FakeEngine.start();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  web.close();
});

const folder = (home: Home) => join(home.folder, 'mcp-local-tunnels');
const files = (home: Home) => (existsSync(folder(home)) ? readdirSync(folder(home)) : []);
/** A lease ends in its own time: the engine and the process table are what tells. */
const gone = (pid: unknown, tunnelId: unknown) =>
  vi.waitFor(
    () => {
      expect(isAlive(Number(pid))).toBe(false);
      expect(engine.tunnels.has(String(tunnelId))).toBe(false);
    },
    { timeout: 8_000, interval: 50 },
  );

async function serve(home: Home): Promise<RawServer> {
  engine.configure(home);
  const server = new RawServer(home);
  await server.initialize();
  return server;
}

describe.concurrent('a local tunnel', { timeout: 60_000 }, () => {
  it('forwards to the service, is listed, and is gone after stop, with its files', async () => {
    using home = new Home();
    await using server = await serve(home);
    const { data, text } = await server.call('rstream_local_tunnel_expose', {
      port: String(port),
      name: 'web',
      ready_url: true,
      ready_path: '/docs',
    });
    expect(text).not.toMatch(/^error/);
    expect(data).toMatchObject({ name: 'web', port, token_auth: true, keep: false, cleanup_tool: 'rstream_local_tunnel_stop' });
    expect(await engine.visit(String(data['tunnel_id']), '/path')).toContain('hello /path');
    expect(data['ready_url']).toBe(`${String(data['url'])}/docs?rstream.token=${mintedToken}`);
    expect(engine.minted.at(-1)).toMatchObject({
      permissions: ['tunnels.streams.create-delete'],
      expires_in: 600,
      resources: { tunnels: { projects: ['p1'], scopes: { tunnels: { connect: { filters: { id: data['tunnel_id'] }, params: {} } } } } },
    });
    const entry = files(home).find((name) => name.endsWith('.json'));
    expect(statSync(folder(home)).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder(home), entry ?? '')).mode & 0o777).toBe(0o600);
    expect((await server.call('rstream_local_tunnel_list')).data).toMatchObject({
      total: 1,
      local_tunnels: [{ id: data['id'], owner: 'self' }],
    });
    const stored = files(home)
      .map((name) => readFileSync(join(folder(home), name), 'utf8'))
      .join('');
    expect(stored + server.stderr).not.toMatch(/eyJ/);
    expect(server.lines.join('')).not.toContain(engineToken);

    const stopped = await server.call('rstream_local_tunnel_stop', { id: data['cleanup_id'] });
    expect(stopped.data).toMatchObject({ stopped: true, id: data['id'], inventory: 'gone' });
    await gone(data['pid'], data['tunnel_id']);
    expect(files(home)).toEqual([]);
    expect((await server.call('rstream_local_tunnel_list')).data).toMatchObject({ total: 0 });
  });

  it.each(['end of input', 'SIGTERM', 'SIGKILL'] as const)('without keep ends with its server, on %s too', async (how) => {
    using home = new Home();
    await using server = await serve(home);
    const { data } = await server.call('rstream_local_tunnel_expose', { port, name: `owned-${how.toLowerCase().replaceAll(' ', '-')}` });
    const from = performance.now();
    if (how === 'end of input') server.process.stdin.end();
    else server.process.kill(how);
    await server.exited;
    expect(performance.now() - from).toBeLessThan(2_000);
    await gone(data['pid'], data['tunnel_id']);
    await vi.waitFor(() => expect(files(home)).toEqual([]), { timeout: 5_000 });
  });

  it('with keep outlives its server, and a later one lists and stops it without asking', async () => {
    using home = new Home();
    await using first = await serve(home);
    const { data } = await first.call('rstream_local_tunnel_expose', { port, name: 'kept', keep: true });
    first.process.stdin.end();
    expect(await first.exited).toBe(0);
    await using second = await serve(home);
    expect((await second.call('rstream_local_tunnel_list')).data).toMatchObject({
      total: 1,
      local_tunnels: [{ id: data['id'], keep: true, owner: 'none' }],
    });
    expect(await engine.visit(String(data['tunnel_id']))).toContain('hello /');
    expect((await second.call('rstream_local_tunnel_stop', { all: true })).data).toMatchObject({
      stopped: true,
      tunnels: [{ id: data['id'], inventory: 'gone' }],
    });
    await gone(data['pid'], data['tunnel_id']);
  });

  it('of another running server is left alone by all, and asks before it is stopped by id', async () => {
    using home = new Home();
    await using first = await serve(home);
    await using second = await serve(home);
    const { data } = await first.call('rstream_local_tunnel_expose', { port, name: 'others' });
    expect((await second.call('rstream_local_tunnel_list')).data).toMatchObject({ local_tunnels: [{ owner: 'other' }] });
    expect((await second.call('rstream_local_tunnel_stop', { all: true })).data).toMatchObject({ stopped: true, tunnels: [] });
    expect((await second.call('rstream_local_tunnel_stop', { id: data['id'] })).text).toContain('confirmation_required');
    expect(isAlive(Number(data['pid']))).toBe(true);
  });

  it('ends by itself at its expiry, although nobody is left to end it', async () => {
    using home = new Home();
    await using server = await serve(home);
    const { data } = await server.call('rstream_local_tunnel_expose', { port, name: 'short', keep: true, expires_in_seconds: 2 });
    server.process.kill('SIGKILL');
    await gone(data['pid'], data['tunnel_id']);
    await vi.waitFor(() => expect(files(home)).toEqual([]), { timeout: 5_000 });
  });

  it('whose process was killed is no longer listed, and a process that got its number is never touched', async () => {
    using home = new Home();
    await using server = await serve(home);
    const { data } = await server.call('rstream_local_tunnel_expose', { port, name: 'killed', keep: true });
    const path = join(folder(home), `${String(data['id'])}.json`);
    const entry = JSON.parse(readFileSync(path, 'utf8')) as { process: { pid: number } };
    process.kill(Number(data['pid']), 'SIGKILL');
    await gone(data['pid'], data['tunnel_id']);
    expect((await server.call('rstream_local_tunnel_list')).data).toMatchObject({ total: 0 });
    // The number of this very process, but with another start time.
    writeFileSync(path, JSON.stringify({ ...entry, process: { ...entry.process, pid: process.pid } }));
    expect((await server.call('rstream_local_tunnel_list')).data).toMatchObject({ total: 0 });
    expect((await server.call('rstream_local_tunnel_stop', { id: data['id'] })).text).toContain('ERR_RSTREAM_LEASE_NOT_FOUND');
    expect(existsSync(path)).toBe(false);
  });

  it('that cannot come up is a clear error and leaves neither process nor file', async () => {
    using home = new Home();
    await using server = await serve(home);
    const closed = await server.call('rstream_local_tunnel_expose', { port: 1 });
    expect(closed.text).toMatch(/^error UPSTREAM_UNREACHABLE: .*localhost:1/);
    await server.call('rstream_local_tunnel_expose', { port, name: 'taken' });
    const clash = await server.call('rstream_local_tunnel_expose', { port, name: 'taken' });
    expect(clash.text).toContain('error FORBIDDEN: The name taken is taken.\nnext: Choose another name.');
    expect((await server.call('rstream_local_tunnel_list')).data).toMatchObject({ total: 1 });
    expect(files(home).filter((name) => name.endsWith('.log'))).toHaveLength(1);
  });
});

describe.concurrent('publishing without authentication', { timeout: 60_000 }, () => {
  const open = async (home: Home, answer?: 'accept' | 'decline') => {
    engine.configure(home);
    const client = new ClientV1({ name: 'test', version: '1' }, { capabilities: answer === undefined ? {} : { elicitation: {} } });
    const asked: string[] = [];
    if (answer !== undefined) {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        asked.push(params.message);
        return { action: answer, content: { confirm: true } };
      });
    }
    await client.connect(new StdioClientTransportV1({ ...serveCommand, env: home.env, stderr: 'ignore' }));
    const expose = async (args: Record<string, unknown>) => {
      const result = await client.callTool({ name: 'rstream_local_tunnel_expose', arguments: { port, token_auth: false, ...args } });
      return { isError: result.isError === true, text: (result.content as { text: string }[])[0]?.text ?? '' };
    };
    return { client, asked, expose };
  };

  it('asks the user through a pushed elicitation of the 2025 line, and does as the user says', async () => {
    using home = new Home();
    const willing = await open(home, 'accept');
    const done = await willing.expose({ name: 'public-yes' });
    expect(done.isError).toBe(false);
    expect(JSON.parse(done.text)).toMatchObject({ token_auth: false });
    expect(willing.asked).toEqual([expect.stringContaining('without any authentication')]);
    await willing.client.close();
    const unwilling = await open(home, 'decline');
    expect((await unwilling.expose({ name: 'public-no' })).text).toContain('error ERR_RSTREAM_CONFIRMATION_DECLINED');
    await unwilling.client.close();
    expect([...engine.tunnels.values()].map(({ properties }) => properties.name)).not.toContain('public-no');
  });

  it('needs a second call with the fingerprint where the client cannot ask', async () => {
    using home = new Home();
    const { client, expose } = await open(home);
    const refused = await expose({ name: 'public-twice' });
    expect(refused.isError).toBe(true);
    const confirmation = /"confirmation":"([^"]+)"/.exec(refused.text)?.[1];
    expect((await expose({ name: 'public-other', confirmation })).text).toContain('ERR_RSTREAM_CONFIRMATION_INVALID');
    expect((await expose({ name: 'public-twice', confirmation })).isError).toBe(false);
    await client.close();
  });
});
