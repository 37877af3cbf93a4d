import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkedPair } from '@rstream/tunnel-core';
import { sessionPair, type SessionPair } from '@rstream/tunnel-core/testing';
import {
  collect,
  exitStatus,
  exitStatusOfError,
  openCommand,
  type CollectOptions,
  type CommandRequest,
  type RunningCommand,
} from '@rstream/webtty-client';
import { CommandServer, type CommandRecord } from '@rstream/webtty-server';
import { duplexTransport } from './duplex-transport.ts';

const url = 'rstrm://box';
const full = process.env['RSTREAM_TEST_FULL'] === '1';
const scratch = mkdtempSync(join(tmpdir(), 'rstream-agent-'));
const sh = (script: string): string[] => ['sh', '-c', script];
const records: CommandRecord[] = [];
const commands = new CommandServer({ environment: process.env, maxSessions: 16, onRecord: (record) => records.push(record) });
let pair: SessionPair;

beforeAll(async () => {
  pair = await sessionPair(async () => ({ ends: linkedPair() }), { server: { onStream: (stream) => void commands.serve(stream, {}) } });
});
afterAll(() => pair.release());

const transport = () => duplexTransport(pair.client.open());
const run = (request: CommandRequest, options: Partial<CollectOptions> = {}) => collect(transport(), request, { url, ...options });
const open = (argv: string[], stdin = false): Promise<RunningCommand> => openCommand(transport(), { argv, stdin });

async function status(request: CommandRequest): Promise<number> {
  try {
    return exitStatus(await run(request));
  } catch (error) {
    return exitStatusOfError(error);
  }
}

describe('a remote command ends a local process with', () => {
  writeFileSync(join(scratch, 'text'), 'x');
  chmodSync(join(scratch, 'text'), 0o644);

  it.each<[string, CommandRequest, number]>([
    ['0', { argv: ['true'] }, 0],
    ['1', { argv: ['false'] }, 1],
    ['255', { argv: sh('exit 255') }, 255],
    ['143 for TERM', { argv: sh('kill -TERM $$') }, 143],
    ['137 for KILL', { argv: sh('kill -KILL $$') }, 137],
    ['124 when its time is up', { argv: ['sleep', '60'], timeoutMs: 50 }, 124],
    ['127 when it is not found', { argv: ['no-such-program'] }, 127],
    ['126 when it is not executable', { argv: [join(scratch, 'text')] }, 126],
    ['126 when a variable is denied', { argv: ['true'], env: { LD_PRELOAD: 'x' } }, 126],
    ['125 when the directory is missing', { argv: ['true'], cwd: '/no/such' }, 125],
  ])('%s', async (_name, request, expected) => {
    expect(await status(request)).toBe(expected);
  });
});

describe('output and input through a session', () => {
  it('64 MB arrive with the right hash, and only the kept part is held', async () => {
    const size = 64 * 1024 * 1024;
    const command = await open(['head', '-c', String(size), '/dev/zero']);
    const hash = createHash('sha256');
    const reading = (async () => {
      for await (const chunk of command.stdout) hash.update(chunk);
    })();
    const outcome = await command.wait();
    await reading;
    expect(outcome).toMatchObject({ exitCode: 0, stdoutBytes: size });
    expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(size)).digest('hex'));
    const result = await run({ argv: ['head', '-c', String(size), '/dev/zero'] }, { maxOutputBytes: 1000 });
    expect(result).toMatchObject({ stdout_bytes: size, stdout_truncated: true });
    expect(result.stdout.length).toBeLessThan(1100);
  });

  it('8 MB of input come back unchanged', async () => {
    const input = Buffer.alloc(8 * 1024 * 1024, 'rstream-0123456789-');
    const result = await run({ argv: ['sha256sum'] }, { input });
    expect(result.stdout).toContain(createHash('sha256').update(input).digest('hex'));
  });

  it('a slow reader holds the command back', async () => {
    const marker = join(scratch, 'done');
    const command = await open(sh(`head -c 100000000 /dev/zero; touch ${marker}`));
    await delay(500);
    expect(existsSync(marker)).toBe(false);
    expect(pair.server.bytesWritten).toBeGreaterThan(0);
    let total = 0;
    for await (const chunk of command.stdout) total += chunk.byteLength;
    expect(total).toBe(100_000_000);
    expect(await command.wait()).toMatchObject({ exitCode: 0 });
  });

  it('text and binary are told apart', async () => {
    expect(await run({ argv: ['printf', 'grüße 🌍'] })).toMatchObject({ stdout: 'grüße 🌍', encoding: 'utf8' });
    expect(await run({ argv: ['printf', '\\377\\000'] })).toMatchObject({ stdout: '/wA=', encoding: 'base64' });
  });
});

describe('giving a command up', () => {
  const isAlive = (pid: number): boolean => {
    try {
      return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };

  it('ends the whole group within 2 s, also when it ignores TERM and never reads its input', async () => {
    const file = join(scratch, 'pid');
    const abort = new AbortController();
    const input = Buffer.alloc(4 * 1024 * 1024);
    const result = run(
      { argv: sh(`trap "" TERM; sleep 300 & echo $! > ${file}.tmp; mv ${file}.tmp ${file}; wait; sleep 300`) },
      { signal: abort.signal, input },
    );
    while (!existsSync(file)) await delay(10);
    const grandchild = Number(readFileSync(file, 'utf8'));
    const start = performance.now();
    abort.abort();
    expect(await result).toMatchObject({ cancelled: true, signal: 'SIGKILL', exit_code: null });
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(isAlive(grandchild)).toBe(false);
  });

  it('a session that dies ends its commands and tells both sides', async () => {
    const own = await sessionPair(async () => ({ ends: linkedPair() }), {
      server: { onStream: (stream) => void commands.serve(stream, {}) },
    });
    const before = records.length;
    const result = collect(duplexTransport(own.client.open()), { argv: sh('echo started; sleep 300') }, { url });
    while (commands.running === 0) await delay(5);
    own.carriers[0].destroy();
    await expect(result).rejects.toMatchObject({ name: 'RstreamError' });
    while (records.length === before) await delay(10);
    expect(records.at(-1)).toMatchObject({ ended_by: 'disconnect' });
    await own.release();
  });
});

it(`runs ${full ? 1000 : 100} commands 8 wide without losing or mixing output`, async () => {
  const count = full ? 1000 : 100;
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const result = await run({ argv: sh(`echo out-${index}; echo err-${index} >&2; exit ${index % 5}`) });
      expect(result).toMatchObject({ stdout: `out-${index}\n`, stderr: `err-${index}\n`, exit_code: index % 5 });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  expect(commands.running).toBe(0);
}, 120_000);
