import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engineToken, FakeEngine } from './fake-engine.ts';
import { Home, isAlive, RawServer } from './serve-process.ts';

const agentScript = resolve(import.meta.dirname, '../../../agent/src/bin.ts');

let home: Home;
let engine: FakeEngine;
let agent: ChildProcess;
let server: RawServer;

beforeAll(async () => {
  home = new Home();
  engine = await FakeEngine.start();
  engine.configure(home);
  const token = join(home.folder, 'device.token');
  writeFileSync(token, engineToken, { mode: 0o600 });
  const args = ['run', '--engine', engine.address, '--token-file', token, '--name', 'device', '--label', 'role=test'];
  agent = spawn(process.execPath, ['--conditions=@rstream/source', agentScript, ...args], { env: home.env, stdio: 'ignore' });
  await engine.opened('device');
  server = new RawServer(home);
  await server.initialize();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  agent.kill();
  await once(agent, 'exit');
  await engine[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const exec = (args: Record<string, unknown>) => server.call('rstream_webtty_exec', { url: 'rstrm://device', ...args });

/** A command that tells its process id in a file and then sleeps. */
function sleeper(name: string): { command: string[]; pid: () => Promise<number> } {
  const file = join(home.folder, name);
  const pid = () => vi.waitFor(() => Number(/\d+\n/.exec(readFileSync(file, 'utf8'))?.[0]), { timeout: 10_000, interval: 20 });
  return { command: ['sh', '-c', `echo $$ > ${file}; exec sleep 300`], pid };
}

describe('commands on a real device', () => {
  it('finds the device by label and runs a command with stdin, environment and folder', async () => {
    const { data } = await server.call('rstream_webtty_list', { filter: 'labels.role=test' });
    expect(data).toMatchObject({ total: 1, servers: [{ rstream_url: 'rstrm://device', status: 'online', capabilities: ['exec'] }] });
    const result = await exec({ command: ['sh', '-c', 'cat; echo "$PWD"; echo note >&2'], stdin: 'in\n', workdir: '/tmp' });
    expect(result.isError).toBe(false);
    expect(result.data).toMatchObject({ exit_code: 0, stdout: 'in\n/tmp\n', stderr: 'note\n' });
    expect((await server.call('rstream_webtty_list', { filter: 'labels.role=other' })).data).toMatchObject({ total: 0 });
  });

  it('answers 8 parallel commands, each with its own output', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, (_, at) => exec({ command: ['echo', `marker-${at}`] })));
    expect(results.map(({ data }) => data['stdout'])).toEqual(results.map((_, at) => `marker-${at}\n`));
  });

  it('keeps head and tail of 13 MB with exact totals', async () => {
    const { data, text } = await exec({ command: ['seq', '1', '1800000'] });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(32_768);
    expect(data).toMatchObject({ truncated: true, stdout_bytes: 13_288_896, exit_code: 0 });
    expect(data['stdout']).toMatch(/^1\n2\n[\s\S]*\n1800000\n$/);
  });

  it('ends a command at its deadline and gives what it had said', async () => {
    const { isError, data } = await exec({ command: ['sh', '-c', 'echo partial; sleep 300'], timeout_ms: 500 });
    expect(isError).toBe(true);
    expect(data).toMatchObject({ timed_out: true, error_kind: 'timeout', stdout: 'partial\n' });
  });

  it('says what is wrong with a command or device that does not exist', async () => {
    expect((await exec({ command: ['no-such-command'] })).text).toMatch(/^error ERR_RSTREAM_COMMAND_NOT_FOUND: .*no-such-command/);
    expect((await exec({ url: 'rstrm://nobody', command: ['true'] })).text).toContain('error TUNNEL_NOT_FOUND');
  });

  it('starts a job that outlives its server, reads it piece by piece, and ends it', async () => {
    const release = join(home.folder, 'release');
    const script = `printf 'first é'; while [ ! -e ${release} ]; do sleep 0.05; done; echo ' second'; echo note >&2; exit 6`;
    let handle: unknown;
    {
      await using other = new RawServer(home);
      await other.initialize();
      handle = (await other.call('rstream_webtty_job_start', { url: 'device', command: ['sh', '-c', script], label: 'two' })).data[
        'handle'
      ];
    }
    expect(handle).toMatch(/^rstrm:\/\/device#/);
    const read = (from: number, more: object = {}) => server.call('rstream_webtty_job_read', { handle, stdout_offset: from, ...more });
    await vi.waitFor(async () => expect((await read(0)).data).toMatchObject({ running: true, next_stdout_offset: 8 }), { timeout: 5_000 });
    writeFileSync(release, '');
    const { data } = await read(8, { wait_seconds: 20 });
    expect(data).toMatchObject({ running: false, exit_code: 6, stdout: ' second\n', stderr: 'note\n', complete: true, stdout_bytes: 16 });
    const { command, pid } = sleeper('job');
    const sleeping = (await server.call('rstream_webtty_job_start', { url: 'rstrm://device', command })).data['handle'];
    const remote = await pid();
    expect((await server.call('rstream_webtty_job_list', { url: 'rstrm://device' })).data).toMatchObject({
      total: 2,
      jobs: [
        { handle: sleeping, running: true },
        { handle, running: false, label: 'two' },
      ],
    });
    expect((await server.call('rstream_webtty_job_cancel', { handle: sleeping })).data).toMatchObject({ running: false, cancelled: true });
    expect(isAlive(remote)).toBe(false);
    expect((await server.call('rstream_webtty_job_read', { handle: 'rstrm://device#none' })).text).toContain(
      'ERR_RSTREAM_SESSION_NOT_FOUND',
    );
  });

  it('kills the remote process within 2 s of a cancellation, and answers the next call', async () => {
    const { command, pid } = sleeper('cancelled');
    const { id } = server.request('tools/call', { name: 'rstream_webtty_exec', arguments: { url: 'rstrm://device', command } });
    const remote = await pid();
    expect(isAlive(remote)).toBe(true);
    server.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
    await vi.waitFor(() => expect(isAlive(remote)).toBe(false), { timeout: 2_000, interval: 20 });
    expect((await exec({ command: ['true'] })).isError).toBe(false);
  });

  it.each(['end of input', 'SIGTERM', 'SIGKILL'] as const)('kills the remote process when its server ends by %s', async (how) => {
    await using other = new RawServer(home);
    await other.initialize();
    const { command, pid } = sleeper(how.replaceAll(' ', '-'));
    other.request('tools/call', { name: 'rstream_webtty_exec', arguments: { url: 'rstrm://device', command } });
    const remote = await pid();
    if (how === 'end of input') other.process.stdin.end();
    else other.process.kill(how);
    await other.exited;
    await vi.waitFor(() => expect(isAlive(remote)).toBe(false), { timeout: 5_000, interval: 20 });
  });
});
