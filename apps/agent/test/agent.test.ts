import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecResult } from '@rstream/protocol/exec';
import { connect } from '@rstream/tunnel-core';
import { collect } from '@rstream/webtty-client';
/* The relay that tunnel-core tests its own clients against; an agent is one more of them. */
import { FakeRelay } from '../../../packages/tunnel-core/test/fake-relay.ts';
import { startAgent, type AgentStatus, type RunningAgent } from '../src/agent.ts';
import { createLogger } from '../src/log.ts';
import { duplexTransport } from './duplex-transport.ts';

const scratch = mkdtempSync(join(tmpdir(), 'rstream-agent-'));
const tokenFile = join(scratch, 'token');
const bin = join(import.meta.dirname, '../src/bin.ts');
let relay: FakeRelay;
let cleanup: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  writeFileSync(tokenFile, 'good\n');
  chmodSync(tokenFile, 0o600);
  relay = await new FakeRelay().listen();
  cleanup = [() => relay.kill()];
});
afterEach(async () => {
  for (const release of cleanup.reverse()) await release();
});

interface Started {
  readonly agent: RunningAgent;
  readonly log: string[];
  readonly states: AgentStatus[];
}

async function start(name = 'dev1', shutdownTimeoutMs = 2_000): Promise<Started> {
  const log: string[] = [];
  const states: AgentStatus[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(chunk.toString());
      done();
    },
  });
  const agent = await startAgent({
    engine: relay.engine,
    tokenFile,
    name,
    labels: { rack: '7' },
    policy: undefined,
    shutdownTimeoutMs,
    logger: createLogger('info', sink),
    onStatus: (status) => states.push(status),
  });
  cleanup.push(() => agent.stop());
  return { agent, log, states };
}

async function exec(argv: string[], name = 'dev1', token = 'good'): Promise<ExecResult> {
  const operator = await connect({ engine: relay.engine, token, client: { agent: 'test', version: '1.0.0', protocol_version: '1.4.5' } });
  try {
    return await collect(duplexTransport(await operator.dial(name)), { argv }, { url: `rstrm://${name}` });
  } finally {
    await operator.close();
  }
}

async function untilExists(path: string): Promise<void> {
  while (!existsSync(path)) await delay(20);
}

describe('an agent in this process', () => {
  it('comes online with the labels of a device, runs a command and records it', async () => {
    const { agent, log } = await start();
    expect(await agent.online).toMatchObject({ state: 'online', forwarding: 'rstrm://dev1' });
    expect(await exec(['echo', 'hello'])).toMatchObject({ stdout: 'hello\n', exit_code: 0 });
    const audit = log.find((line) => line.includes('"audit":"command"')) ?? '{}';
    expect(JSON.parse(audit)).toMatchObject({ command: '"echo" "hello"', decision: 'run', exit_code: 0 });
    expect(log.join('')).not.toContain('"good"');
  });

  it('is back by itself when the relay is, and reads its token again', async () => {
    const { agent, states } = await start();
    await agent.online;
    const { port } = relay;
    await relay.kill();
    writeFileSync(tokenFile, 'rotated', { mode: 0o600 });
    relay = new FakeRelay();
    relay.refuseCarrier = () => undefined;
    await relay.listen(port);
    while (states.filter(({ state }) => state === 'online').length < 2) await delay(20);
    expect(relay.requests.at(-1)?.headers.authorization).toBe('Bearer rotated');
    expect(await exec(['echo', 'again'])).toMatchObject({ stdout: 'again\n' });
    expect(states.map(({ state }) => state)).toContain('offline');
  });

  it('stops for good when another process takes its name', async () => {
    const first = await start();
    await first.agent.online;
    const second = await start();
    await second.agent.online;
    expect(await first.agent.closed).toMatchObject({ code: 'TUNNEL_REPLACED' });
    expect(await exec(['echo', 'second'])).toMatchObject({ stdout: 'second\n' });
  });

  it('stops for good when its credential is refused', async () => {
    writeFileSync(tokenFile, 'bad', { mode: 0o600 });
    const { agent } = await start();
    await expect(agent.online).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await agent.closed).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('on stop lets a running command finish', async () => {
    const { agent } = await start();
    await agent.online;
    const marker = join(scratch, 'running');
    const running = exec(['sh', '-c', `touch ${marker}; sleep 0.4; echo finished`]);
    await untilExists(marker);
    await agent.stop();
    expect(await running).toMatchObject({ stdout: 'finished\n', exit_code: 0 });
    expect(await agent.closed).toBeUndefined();
  });

  it('on stop ends a command that outlives the deadline', async () => {
    const { agent } = await start('dev1', 100);
    await agent.online;
    const marker = join(scratch, 'long');
    const running = exec(['sh', '-c', `touch ${marker}; sleep 300`]);
    await untilExists(marker);
    await agent.stop();
    expect(await running).toMatchObject({ exit_code: null, signal: 'SIGTERM' });
  });

  it.runIf(process.platform !== 'win32')('refuses a token file that others can read', async () => {
    chmodSync(tokenFile, 0o644);
    await expect(start()).rejects.toMatchObject({ code: 'ERR_RSTREAM_TOKEN_FILE_UNSAFE', next: `Run: chmod 600 ${tokenFile}` });
  });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runAgent(args: readonly string[], extra?: number): { child: ReturnType<typeof spawn>; ended: Promise<Ended> } {
  const stdio = ['ignore', 'pipe', 'pipe', ...(extra === undefined ? [] : [extra])] as const;
  const child = spawn(process.execPath, ['--conditions=@rstream/source', bin, ...args], { stdio: [...stdio] });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  cleanup.push(async () => child.kill('SIGKILL'));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr })) };
}

describe('rstream-agent', () => {
  it('writes the ready file and status lines, hands no descriptor to commands, and exits 0 on SIGTERM', async () => {
    const ready = join(scratch, 'ready.json');
    const leaked = openSync('/etc/passwd', 'r');
    const args = ['run', '--engine', relay.engine, '--token-file', tokenFile, '--name', 'proc', '--ready-file', ready, '-o', 'json'];
    const { child, ended } = runAgent(args, leaked);
    closeSync(leaked);
    await untilExists(ready);
    expect(JSON.parse(readFileSync(ready, 'utf8'))).toMatchObject({ name: 'proc', forwarding: 'rstrm://proc', pid: child.pid });
    // 3 is the directory that ls itself reads.
    expect((await exec(['ls', '/proc/self/fd'], 'proc')).stdout.trim().split('\n')).toEqual(['0', '1', '2', '3']);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await ended;
    const states = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { state: string }).state);
    expect(states).toEqual(['connecting', 'online', 'stopped']);
    expect(code).toBe(0);
    expect(existsSync(ready)).toBe(false);
    expect(stdout + stderr).not.toMatch(/\bgood\b/);
  });

  it.each<[string, () => string[], number, string]>([
    ['no command', () => [], 2, 'ERR_RSTREAM_AGENT_CONFIG'],
    ['an unknown option', () => ['run', '--bogus'], 2, 'ERR_RSTREAM_AGENT_CONFIG'],
    ['a missing name', () => ['run', '--engine', relay.engine, '--token-file', tokenFile], 2, 'name: is required'],
    [
      'a bad number',
      () => ['run', '--engine', 'x:1', '--token-file', tokenFile, '--name', 'n', '--max-sessions', 'many'],
      2,
      'maxSessions',
    ],
    ['no token file', () => ['run', '--engine', 'x:1', '--token-file', '/no/such', '--name', 'n'], 3, 'ERR_RSTREAM_AUTH_REQUIRED'],
    ['an unsafe token file', () => unsafe(), 3, `chmod 600 ${tokenFile}`],
    ['a refused token', () => refused(), 3, 'UNAUTHORIZED'],
  ])('exits for %s', async (_name, args, code, text) => {
    const result = await runAgent([...args()]).ended;
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(text);
  });

  const run = () => ['run', '--engine', relay.engine, '--token-file', tokenFile, '--name', 'n'];
  const unsafe = (): string[] => {
    chmodSync(tokenFile, 0o640);
    return run();
  };
  const refused = (): string[] => {
    writeFileSync(tokenFile, 'bad', { mode: 0o600 });
    return run();
  };
});
