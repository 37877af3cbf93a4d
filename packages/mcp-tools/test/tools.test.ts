import { RstreamError } from '@rstream/protocol';
import type { ExecRequest, JobReadRequest, JobRequest } from '@rstream/mcp-tools';
import { describe, expect, it } from 'vitest';
import { execResult, fakePorts, fakeToken, jobOutput, leaseOf } from './fake-ports.ts';
import { eras, openWorld } from './world.ts';

describe('every result', () => {
  it.each(eras)('has text equal to its structured content (%s era)', async (era) => {
    await using world = await openWorld({ era });
    for (const name of [
      'rstream_runtime_status',
      'rstream_context_list',
      'rstream_context_get',
      'rstream_webtty_list',
      'rstream_local_tunnel_list',
    ]) {
      const { text, data, isError } = await world.call(name);
      expect(isError).toBe(false);
      expect(JSON.parse(text)).toEqual(data);
    }
  });

  it('holds declared fields only, so a secret that a port lets slip does not leave', async () => {
    await using world = await openWorld();
    const results = await Promise.all(
      ['rstream_context_list', 'rstream_context_get', 'rstream_runtime_status'].map((name) => world.call(name)),
    );
    expect(JSON.stringify(results)).not.toContain(fakeToken);
  });

  it('refuses unknown arguments and wrong types with the accepted names', async () => {
    await using world = await openWorld();
    const unknown = await world.call('rstream_webtty_list', { nam: 'x' });
    expect(unknown.isError).toBe(true);
    expect(unknown.text).toMatch(/^error ERR_RSTREAM_MCP_ARGUMENTS: .*nam.*\nnext: .*name, filter/s);
    const wrong = await world.call('rstream_local_tunnel_expose', { port: 'many' });
    expect(wrong.text).toContain('port');
  });

  it('reports an error as code, sentence and next step, without anything that looks like a token', async () => {
    const ports = fakePorts({
      inventory: {
        listWebtty: async () => {
          throw new RstreamError('UNAUTHORIZED', `The engine refused ${fakeToken}.`);
        },
      },
    });
    await using world = await openWorld({ ports });
    const { text, isError } = await world.call('rstream_webtty_list');
    expect(isError).toBe(true);
    expect(text).toContain('error UNAUTHORIZED: The engine refused [token]');
    expect(text).toContain('\nnext: ');
    expect(text).not.toContain(fakeToken);
  });
});

describe('rstream_runtime_status', () => {
  it.each([
    [
      { engine: 'e:1', has_token: true, contexts: 1 },
      { ready: true, suggested_next_tool: 'rstream_webtty_list' },
    ],
    [
      { engine: 'e:1', has_token: false, contexts: 1 },
      { ready: false, needs_login: true, needs_context: false },
    ],
    [
      { has_token: false, contexts: 0 },
      { ready: false, needs_context: true, suggested_next_tool: 'rstream_context_get' },
    ],
    [
      { has_token: false, contexts: 3 },
      { needs_context: true, suggested_next_tool: 'rstream_context_list' },
    ],
    [
      { engine: 'e:1', has_token: true, contexts: 1, error: 'The file is broken.' },
      { ready: false, error: 'The file is broken.' },
    ],
  ])('says what to do next: %j', async (state, expected) => {
    const base = fakePorts();
    const ports = fakePorts({ contexts: { ...base.contexts, state: async () => ({ config_path: '/c', ...state }) } });
    await using world = await openWorld({ ports });
    expect((await world.call('rstream_runtime_status')).data).toMatchObject(expected);
  });
});

describe('rstream_webtty_list', () => {
  it('bounds the list and gives the total', async () => {
    await using world = await openWorld();
    expect((await world.call('rstream_webtty_list', { limit: '2' })).data).toMatchObject({ total: 3, truncated: true, servers: [{}, {}] });
    expect((await world.call('rstream_webtty_list', { name: 'beta' })).data).toMatchObject({ total: 1, truncated: false });
  });
});

describe('rstream_webtty_exec', () => {
  const recording = () => {
    const requests: ExecRequest[] = [];
    const projects: (string | undefined)[] = [];
    const ports = fakePorts({
      commands: {
        exec: async (request, { project }) => {
          requests.push(request);
          projects.push(project);
          return execResult(request);
        },
      },
    });
    return { requests, projects, ports };
  };

  it('passes everything on, taking numbers as text and pairs as list or object', async () => {
    const { requests, projects, ports } = recording();
    await using world = await openWorld({ ports });
    await world.call('rstream_webtty_exec', {
      url: 'rstrm://alpha',
      command: ['env'],
      env: ['A=1', 'B=x=y'],
      timeout_seconds: '30',
      max_output_bytes: 1000,
      stdin: 'in',
      workdir: ' ',
      project_endpoint: 'abcd1234',
    });
    await world.call('rstream_webtty_exec', { url: 'rstrm://alpha', command: ['env'], env: { C: '2' }, timeout_ms: 1500 });
    expect(requests[0]).toEqual({
      url: 'rstrm://alpha',
      command: ['env'],
      env: { A: '1', B: 'x=y' },
      timeoutMs: 30_000,
      maxOutputBytes: 1000,
      stdin: 'in',
    });
    expect(requests[1]).toMatchObject({ env: { C: '2' }, timeoutMs: 1500 });
    expect(projects).toEqual(['abcd1234', undefined]);
  });

  it('reports a non-zero exit as an error with everything in the text', async () => {
    const ports = fakePorts({ commands: { exec: async (request) => execResult(request, { exit_code: 3, stdout: 'out', stderr: 'bad' }) } });
    await using world = await openWorld({ ports });
    const { isError, text } = await world.call('rstream_webtty_exec', { url: 'rstrm://a', command: ['x'] });
    expect(isError).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ exit_code: 3, stdout: 'out', stderr: 'bad', error_kind: 'exit', surface: 'cli' });
  });

  it('gives what had arrived when the connection broke on the way', async () => {
    const ports = fakePorts({
      commands: {
        exec: async (request) => {
          const result = execResult(request, { exit_code: null, stdout: 'so far' });
          throw new RstreamError('SESSION_LOST', 'The device left.', { details: { result } });
        },
      },
    });
    await using world = await openWorld({ ports });
    const { isError, text } = await world.call('rstream_webtty_exec', { url: 'rstrm://a', command: ['x'] });
    expect(isError).toBe(true);
    expect(JSON.parse(text)).toMatchObject({
      stdout: 'so far',
      error: 'SESSION_LOST: The device left.',
      error_kind: 'session',
      exit_code: null,
    });
  });

  it('keeps head and tail of 5 MB of output within 32 kB of text, with exact totals', async () => {
    const stdout = `HEAD${'\u001b"\n'.repeat(1_700_000)}TAIL`;
    const ports = fakePorts({ commands: { exec: async (request) => execResult(request, { stdout, stdout_bytes: stdout.length }) } });
    await using world = await openWorld({ ports });
    const { text, data } = await world.call('rstream_webtty_exec', { url: 'rstrm://a', command: ['x'] });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(32_768);
    expect(Buffer.byteLength(text)).toBeGreaterThan(24_000);
    expect(data).toMatchObject({
      truncated: true,
      stdout_truncated: true,
      stderr_truncated: false,
      stdout_bytes: stdout.length,
      exit_code: 0,
    });
    expect(data?.['stdout']).toMatch(/^HEAD[\s\S]*characters left out[\s\S]*TAIL$/);
  });

  it('aborts the port when the client cancels', async () => {
    const aborted = Promise.withResolvers<unknown>();
    const started = Promise.withResolvers<void>();
    const ports = fakePorts({
      commands: {
        exec: async (request, { signal }) => {
          started.resolve();
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          aborted.resolve((signal.reason as RstreamError).code);
          return execResult(request, { cancelled: true });
        },
      },
    });
    await using world = await openWorld({ ports });
    const controller = new AbortController();
    const call = world.call('rstream_webtty_exec', { url: 'rstrm://a', command: ['sleep', '60'] }, { signal: controller.signal });
    await started.promise;
    controller.abort();
    await expect(call).rejects.toThrow(/abort/i);
    expect(await aborted.promise).toBe('ERR_RSTREAM_ABORTED');
  });
});

describe('jobs', () => {
  it('start passes the command on and gives the handle that the others take', async () => {
    const started: JobRequest[] = [];
    const base = fakePorts();
    const ports = fakePorts({
      jobs: {
        ...base.jobs,
        start: async (request, options) => {
          started.push(request);
          return base.jobs.start(request, options);
        },
      },
    });
    await using world = await openWorld({ ports });
    const input = { url: 'rstrm://alpha', command: ['make', 'all'], env: ['A=1'], label: 'build', timeout_seconds: '90' };
    const { data } = await world.call('rstream_webtty_job_start', input);
    expect(started).toEqual([{ url: 'rstrm://alpha', command: ['make', 'all'], env: { A: '1' }, label: 'build', timeoutMs: 90_000 }]);
    expect(data).toEqual({ handle: 'rstrm://alpha#j', command: ['make', 'all'] });
    expect((await world.call('rstream_webtty_job_cancel', { handle: data?.['handle'] })).data).toMatchObject({ cancelled: true });
  });

  it('read returns a piece whole, however much its JSON takes, so that the next offset is true', async () => {
    const requests: JobReadRequest[] = [];
    const stdout = '\u0001'.repeat(10_000);
    const ports = fakePorts({
      jobs: {
        ...fakePorts().jobs,
        read: async (_handle, request) => {
          requests.push(request);
          return jobOutput('a', { stdout, next_stdout_offset: 10_000 });
        },
      },
    });
    await using world = await openWorld({ ports });
    const input = { handle: 'rstrm://alpha#a', stdout_offset: '5', max_bytes: 10_000, wait_seconds: 3 };
    const { data } = await world.call('rstream_webtty_job_read', input);
    expect(requests).toEqual([{ stdoutOffset: 5, stderrOffset: 0, maxBytes: 10_000, waitMs: 3_000 }]);
    expect(data).toMatchObject({ stdout, next_stdout_offset: 10_000, complete: false });
  });

  it('list is bounded and has the total; a word that is no handle is refused', async () => {
    await using world = await openWorld();
    const { data } = await world.call('rstream_webtty_job_list', { url: 'rstrm://alpha', limit: 1 });
    expect(data).toMatchObject({ total: 2, truncated: true, jobs: [{ handle: 'rstrm://alpha#b', running: true }] });
    expect((await world.call('rstream_webtty_job_read', { handle: 'a' })).text).toMatch(/ERR_RSTREAM_MCP_ARGUMENTS: .*must be a handle/);
  });
});

describe('rstream_local_tunnel_expose', () => {
  it('publishes token-protected HTTP by default, without asking', async () => {
    const ports = fakePorts();
    await using world = await openWorld({ ports });
    const { data, links, isError } = await world.call('rstream_local_tunnel_expose', { port: '3000' });
    expect(isError).toBe(false);
    expect(ports.exposed[0]).toMatchObject({
      host: 'localhost',
      port: 3000,
      keep: false,
      ttlSeconds: 3600,
      properties: { publish: true, protocol: 'http', token_auth: true },
    });
    expect(data).toMatchObject({
      id: 'lt-1',
      cleanup_tool: 'rstream_local_tunnel_stop',
      cleanup_id: 'lt-1',
      token_auth: true,
      url: 'https://lt-1.t.test',
    });
    expect(links).toEqual(['https://lt-1.t.test']);
    expect(JSON.stringify(data)).not.toContain(fakeToken);
  });

  it('does not ask for a private tunnel either', async () => {
    const ports = fakePorts();
    await using world = await openWorld({ ports });
    expect((await world.call('rstream_local_tunnel_expose', { port: 22, protocol: 'bytestream', publish: false })).isError).toBe(false);
    expect(ports.exposed[0]?.properties).toMatchObject({ publish: false, type: 'bytestream' });
  });

  it('mints a token for this tunnel and path when a ready URL is asked for', async () => {
    const ports = fakePorts();
    await using world = await openWorld({ ports });
    const { data } = await world.call('rstream_local_tunnel_expose', {
      port: 3000,
      ready_url: true,
      ready_path: '/docs',
      ready_seconds: 90,
    });
    expect(ports.minted).toEqual([{ tunnelId: 'tun-lt-1', path: '/docs', ttlSeconds: 90 }]);
    expect(data?.['ready_url']).toBe(`https://lt-1.t.test/docs?rstream.token=${fakeToken}`);
    expect((await world.call('rstream_local_tunnel_list')).text).not.toContain(fakeToken);
  });

  it('leaves no tunnel behind when the token cannot be minted', async () => {
    const ports = fakePorts({
      tokens: {
        mintForTunnel: async () => {
          throw new RstreamError('FORBIDDEN', 'No right to mint.');
        },
      },
    });
    await using world = await openWorld({ ports });
    expect((await world.call('rstream_local_tunnel_expose', { port: 3000, ready_url: true })).text).toContain('error FORBIDDEN');
    expect(ports.leases.size).toBe(0);
  });

  it.each([
    [{ port: 3000, protocol: 'tcp', token_auth: true }, 'token_auth does not go with protocol tcp'],
    [{ port: 3000, publish: false, stable_domain: 'a.b' }, 'hostname needs a published tunnel'],
    [{ port: 70_000 }, 'port'],
    [{ port: 3000, name: 'Not A Name' }, 'name'],
  ])('refuses a combination that cannot work before anything is asked or opened: %j', async (args, message) => {
    const ports = fakePorts();
    await using world = await openWorld({ ports });
    const { isError, text } = await world.call('rstream_local_tunnel_expose', args);
    expect(isError).toBe(true);
    expect(text).toContain(message);
    expect(ports.exposed).toEqual([]);
  });
});

describe('rstream_local_tunnel_stop', () => {
  const request = { host: 'localhost', port: 1, properties: {}, keep: false, ttlSeconds: 1 };

  it('stops one lease by id or tunnel id, and an unknown id is an error', async () => {
    const ports = fakePorts();
    ports.leases.set('a', leaseOf('a', request)).set('b', leaseOf('b', request, 'none'));
    await using world = await openWorld({ ports });
    expect((await world.call('rstream_local_tunnel_stop', { id: 'a' })).data).toMatchObject({ stopped: true, id: 'a', inventory: 'gone' });
    expect((await world.call('rstream_local_tunnel_stop', { id: 'tun-b' })).data).toMatchObject({ stopped: true, id: 'b' });
    expect((await world.call('rstream_local_tunnel_stop', { id: 'a' })).text).toContain('error ERR_RSTREAM_LEASE_NOT_FOUND');
    expect((await world.call('rstream_local_tunnel_stop')).text).toContain('all: true');
  });

  it('stops all but those of other running servers', async () => {
    const ports = fakePorts();
    ports.leases
      .set('a', leaseOf('a', request))
      .set('b', leaseOf('b', request, 'none'))
      .set('c', leaseOf('c', request, 'other'));
    await using world = await openWorld({ ports });
    const { data } = await world.call('rstream_local_tunnel_stop', { all: true });
    expect(data).toMatchObject({ stopped: true, tunnels: [{ id: 'a' }, { id: 'b' }] });
    expect([...ports.leases.keys()]).toEqual(['c']);
  });

  it('asks before it stops what another running agent opened', async () => {
    const ports = fakePorts();
    ports.leases.set('c', leaseOf('c', request, 'other'));
    await using world = await openWorld({ ports });
    expect((await world.call('rstream_local_tunnel_stop', { id: 'c' })).text).toContain('confirmation_required');
    expect(ports.leases.size).toBe(1);
  });
});
