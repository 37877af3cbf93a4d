import { createHash } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FailureReason } from '@rstream/protocol/webtty';
import { CommandServer } from '@rstream/webtty-server';
import { openOf, RawClient, run, serve } from './raw-client.ts';

const sh = (script: string): string[] => ['sh', '-c', script];
const scratch = mkdtempSync(join(tmpdir(), 'rstream-webtty-'));

function isAlive(pid: number): boolean {
  try {
    // A zombie that nobody has reaped yet is dead for our purpose.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Descriptors from 4 up that any child of this process inherits, because our parent opened them without close-on-exec. */
function forcedByParent(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    if (Number(fd) < 4 || !existsSync(`/proc/self/fdinfo/${fd}`)) return false;
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & 0o2000000) === 0;
  });
}

async function untilDead(pid: number, withinMs: number): Promise<number> {
  const start = performance.now();
  while (isAlive(pid) && performance.now() - start < withinMs) await delay(10);
  return performance.now() - start;
}

describe('a command', () => {
  it('is acknowledged before any output, ends each stream, then closes with its code', async () => {
    const { client, record } = await run(sh('echo out; echo err >&2; exit 3'));
    const kinds = client.received.map((message) => message.kind);
    expect(kinds[0]).toBe('ack');
    expect(kinds.at(-1)).toBe('close');
    expect(client.received.filter((m) => m.kind === 'data' && m.eos === true)).toHaveLength(2);
    expect([client.text(1), client.text(2)]).toEqual(['out\n', 'err\n']);
    expect(await client.kind('close')).toMatchObject({ returnCode: 3, report: { signal: '', stdoutBytes: 4, stderrBytes: 4 } });
    expect(await record).toMatchObject({ decision: 'run', ended_by: 'exit', exit_code: 3, stdout_bytes: 4 });
  });

  it('serves a published client, which gets nothing from our extension', async () => {
    const { client } = await run(sh('echo hello; kill -TERM $$'), { published: true });
    expect(await client.kind('ack')).toEqual({ kind: 'ack', capabilities: [], stdinWindow: 0 });
    expect(client.text()).toBe('hello\n');
    expect(await client.kind('close')).toEqual({ kind: 'close', returnCode: -1 });
  });

  it.each([
    ['true', 0, ''],
    ['exit 1', 1, ''],
    ['exit 255', 255, ''],
    ['kill -TERM $$', -1, 'SIGTERM'],
    ['kill -KILL $$', -1, 'SIGKILL'],
    ['kill -INT $$', -1, 'SIGINT'],
  ])('%s closes with code %i and signal "%s"', async (script, returnCode, signal) => {
    const { client } = await run(sh(script));
    expect(await client.kind('close')).toMatchObject({ returnCode, report: { signal } });
  });

  it('takes its arguments as they are: no shell looks at them', async () => {
    const argv = ['printf', '%s\\n', '$HOME; rm -rf *', '', 'a b', '"\'`', 'ünï'];
    const { client } = await run(argv);
    expect(client.text()).toBe('$HOME; rm -rf *\n\na b\n"\'`\nünï\n');
  });

  it('starts in the home directory, or where the client says', async () => {
    const home = await run(['pwd'], {}, { account: { home: scratch, user: 'u', uid: 1, shell: '/bin/sh' } });
    expect(home.client.text()).toBe(`${scratch}\n`);
    const given = await run(['pwd'], { workdir: { value: '/' } });
    expect(given.client.text()).toBe('/\n');
  });

  it('inherits none of the descriptors that this process opened', async () => {
    const file = openSync('/etc/passwd', 'r');
    const { client } = await run(['ls', '/proc/self/fd'], { stdin: true });
    closeSync(file);
    // 3 is the directory that ls itself reads; what our own parent forced on us is not ours to judge here.
    const own = client
      .text()
      .trim()
      .split('\n')
      .filter((fd) => !forcedByParent().includes(fd));
    expect(own).toEqual(['0', '1', '2', '3']);
  });

  it('passes binary output and split characters on unchanged', async () => {
    const file = join(scratch, 'binary');
    const content = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) & 0xff));
    writeFileSync(file, content);
    const { client } = await run(['cat', file]);
    expect(client.bytes(1).equals(content)).toBe(true);
  });

  it('streams 64 MB with the right hash', async () => {
    const { client } = await run([process.execPath, '-e', hashScript]);
    const hash = createHash('sha256').update(client.bytes(1)).digest('hex');
    expect(client.bytes(1).byteLength).toBe(64 * 1024 * 1024);
    expect(hash).toBe(client.text(2).trim());
  });
});

const hashScript = `
const { createHash, randomBytes } = require('node:crypto'); const fs = require('node:fs');
const hash = createHash('sha256'); const block = randomBytes(1024 * 1024);
for (let i = 0; i < 64; i++) { block.writeUInt32LE(i); hash.update(block); for (let at = 0; at < block.length; ) { try { at += fs.writeSync(1, block, at); } catch (e) { if (e.code !== 'EAGAIN') throw e; } } }
fs.writeSync(2, hash.digest('hex'));
`;

describe('a command that cannot start', () => {
  writeFileSync(join(scratch, 'plain.txt'), 'not a program');
  writeFileSync(join(scratch, 'orphan.sh'), '#!/no/such/interpreter\n');
  chmodSync(join(scratch, 'orphan.sh'), 0o755);

  it.each([
    ['a missing program', ['no-such-program-here'], {}, FailureReason.NOT_FOUND],
    ['a missing path', ['/no/such/file'], {}, FailureReason.NOT_FOUND],
    ['a file without the execute bit', [join(scratch, 'plain.txt')], {}, FailureReason.NOT_EXECUTABLE],
    ['a directory', [scratch], {}, FailureReason.NOT_EXECUTABLE],
    ['a script without its interpreter', [join(scratch, 'orphan.sh')], {}, FailureReason.NOT_EXECUTABLE],
    ['a missing working directory', ['true'], { workdir: { value: '/no/such/dir' } }, FailureReason.WORKDIR],
    ['a file as working directory', ['true'], { workdir: { value: '/etc/passwd' } }, FailureReason.WORKDIR],
    ['an empty argv', [], {}, FailureReason.UNSUPPORTED],
    ['another user', ['true'], { username: { name: 'somebody-else' } }, FailureReason.UNSUPPORTED],
    ['a terminal', ['true'], { options: { interactive: true, allocateTty: true, sendHeartbeat: false } }, FailureReason.UNSUPPORTED],
    ['a NUL in an argument', ['true', 'a\0b'], {}, FailureReason.INVALID],
    ['PATH from the client', ['true'], { envVars: [{ key: 'PATH', value: '/tmp' }] }, FailureReason.DENIED],
    ['a loader hook', ['true'], { envVars: [{ key: 'LD_PRELOAD', value: '/tmp/x.so' }] }, FailureReason.DENIED],
    ['a missing program of a published client', ['no-such-program-here'], { published: true }, FailureReason.UNSPECIFIED],
  ])('%s is refused with a reason and no close message', async (_name, argv, parts, reason) => {
    const { client, record } = await run(argv, parts);
    expect(client.received.map((message) => message.kind)).toEqual(['error']);
    expect(await client.kind('error')).toMatchObject({ reason });
    expect(await record).toMatchObject({ decision: 'refused', exit_code: null });
  });

  it('says so when no open message comes in time', async () => {
    const { client } = serve({ openTimeoutMs: 20 });
    expect((await client.kind('error')).msg).toContain('in time');
  });

  it('refuses another first message, garbage and a second open', async () => {
    const first = serve();
    first.client.send({ kind: 'data', type: 0, eos: true });
    expect((await first.client.kind('error')).msg).toContain('first message');
    const garbage = serve();
    garbage.client.stream.write(Buffer.from('GET / HTTP/1.1\r\n'));
    expect((await garbage.client.kind('error')).msg).toContain('over the limit');
    const second = serve();
    second.client.send(openOf(['sleep', '60']), openOf(['true']));
    expect((await second.client.kind('error')).msg).toContain('already started');
    expect(await second.record).toMatchObject({ ended_by: 'protocol', signal: 'SIGTERM' });
  });
});

describe('environment', () => {
  it('is clean: path, locale and account, nothing of the agent', async () => {
    const { client } = await run(
      ['env'],
      {},
      { environment: { PATH: process.env['PATH'], LANG: 'C', SECRET_TOKEN: 'x', RSTREAM_TOKEN: 'y' } },
    );
    const names = client
      .text()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(new Set(names)).toEqual(new Set(['HOME', 'LANG', 'LOGNAME', 'PATH', 'SHELL', 'USER']));
  });

  it('takes variables of the client, removes names and starts empty on request', async () => {
    const set = await run(sh('echo $FOO'), { envVars: [{ key: 'FOO', value: 'bar' }] });
    expect(set.client.text()).toBe('bar\n');
    const unset = await run(['env'], { exec: { unsetEnv: ['LANG', 'USER'] } }, { environment: { PATH: process.env['PATH'], LANG: 'C' } });
    expect(unset.client.text()).not.toMatch(/^(LANG|USER)=/m);
    const clean = await run(['env'], { exec: { cleanEnv: true } }, { environment: { PATH: process.env['PATH'], LANG: 'C' } });
    expect(clean.client.text()).not.toContain('LANG=');
  });
});

describe('stdin', () => {
  it('is empty unless the client says that it writes', async () => {
    const { client } = await run(['cat']);
    expect(client.text()).toBe('');
  });

  it('reaches the command and ends with eos', async () => {
    const { client } = serve();
    client.send(openOf(['cat'], { stdin: true }));
    await client.kind('ack');
    client.send({ kind: 'data', type: 0, data: Buffer.from('hello ') }, { kind: 'data', type: 0, data: Buffer.from('there') });
    client.send({ kind: 'data', type: 0, eos: true });
    await client.kind('close');
    expect(client.text()).toBe('hello there');
  });

  it('gives credit as the command reads', async () => {
    const { client } = serve();
    client.send(openOf(['wc', '-c'], { stdin: true }));
    const { stdinWindow } = await client.kind('ack');
    expect(stdinWindow).toBe(262_144);
    for (let sent = 0; sent < stdinWindow; sent += 32_768) client.send({ kind: 'data', type: 0, data: Buffer.alloc(32_768) });
    await client.kind('stdinCredit');
    client.send({ kind: 'data', type: 0, eos: true });
    await client.kind('close');
    expect(client.text().trim()).toBe(String(stdinWindow));
  });

  it('ends a client that sends more than its credit', async () => {
    const { client, record } = serve();
    client.send(openOf(['sleep', '60'], { stdin: true }));
    await client.kind('ack');
    for (let sent = 0; sent < 1_048_576; sent += 65_536) client.send({ kind: 'data', type: 0, data: Buffer.alloc(65_536) });
    expect((await client.kind('error')).msg).toContain('credit');
    expect(await record).toMatchObject({ ended_by: 'protocol' });
  });

  it('that the command never reads does not hold a signal back', async () => {
    const { client } = serve();
    client.send(openOf(['sleep', '60'], { stdin: true }));
    await client.kind('ack');
    for (let sent = 0; sent < 262_144; sent += 65_536) client.send({ kind: 'data', type: 0, data: Buffer.alloc(65_536) });
    client.send({ kind: 'signal', name: 'SIGINT', cancel: false });
    expect(await client.kind('close')).toMatchObject({ report: { signal: 'SIGINT', cancelled: false } });
  });

  it('of a published client that the command never reads stops at a bound', async () => {
    const { client, record, server } = serve();
    client.send(openOf(['sleep', '60'], { stdin: true, published: true }));
    await client.kind('ack');
    let sent = 0;
    while (sent < 16 * 1_048_576) {
      sent += 65_536;
      if (
        !client.stream.write(encodeFrame({ kind: 'data', type: 0, data: Buffer.alloc(65_536) })) &&
        client.stream.writableLength > 1_048_576
      )
        break;
      await nextTurn();
    }
    expect(sent).toBeLessThan(8 * 1_048_576);
    void server.stop(0);
    expect(await record).toMatchObject({ ended_by: 'shutdown' });
    client.stream.destroy();
  });

  it('of a command that has closed it is dropped without an error', async () => {
    const { client } = serve();
    client.send(openOf(sh('exec <&-; echo closed; sleep 0.2; exit 4'), { stdin: true }));
    await client.until((message) => message.kind === 'data');
    for (let turn = 0; turn < 4; turn += 1) client.send({ kind: 'data', type: 0, data: Buffer.alloc(60_000) });
    expect(await client.kind('close')).toMatchObject({ returnCode: 4 });
  });
});

describe('an early end', () => {
  const stubborn = sh('trap "" TERM; sleep 300 & echo $!; wait; sleep 300');
  const firstPid = async (client: RawClient): Promise<number> => {
    await client.until((message) => message.kind === 'data' && message.data !== undefined);
    return Number(client.text().trim());
  };

  it('by deadline sends TERM, then KILL to the whole group', async () => {
    const { client } = serve();
    client.send(openOf(stubborn, { exec: { deadlineMs: 150, killGraceMs: 150 } }));
    const grandchild = await firstPid(client);
    expect(await client.kind('close')).toMatchObject({ returnCode: -1, report: { signal: 'SIGKILL', timedOut: true } });
    expect(await untilDead(grandchild, 1_000)).toBeLessThan(1_000);
  });

  it('by deadline reports TERM for a command that listens to it', async () => {
    const { client } = await run(['sleep', '60'], { exec: { deadlineMs: 50 } });
    expect(await client.kind('close')).toMatchObject({ report: { signal: 'SIGTERM', timedOut: true, cancelled: false } });
  });

  it('by the policy, also when the client asks for more time', async () => {
    const { client } = await run(['sleep', '60'], { exec: { deadlineMs: 60_000 } }, { policy: { maxDurationMs: 50 } });
    expect(await client.kind('close')).toMatchObject({ report: { timedOut: true } });
  });

  it('by cancel is reported as that', async () => {
    const { client } = serve();
    client.send(openOf(['sleep', '60']));
    await client.kind('ack');
    client.send({ kind: 'signal', name: '', cancel: true });
    expect(await client.kind('close')).toMatchObject({ report: { signal: 'SIGTERM', cancelled: true, timedOut: false } });
  });

  it.each(['reset', 'end'])('by a client that is gone (%s) kills the group within 2 s', async (how) => {
    const { client, record } = serve();
    client.send(openOf(stubborn));
    const grandchild = await firstPid(client);
    if (how === 'reset') client.stream.destroy();
    else client.stream.end();
    expect(await untilDead(grandchild, 3_000)).toBeLessThan(2_000);
    expect(await record).toMatchObject({ ended_by: 'disconnect', signal: 'SIGKILL' });
  });

  it('waits a bounded time for grandchildren that hold the output, and leaves them alive', async () => {
    const { client, record } = serve();
    client.send(openOf(sh('sleep 30 & echo $!')));
    const pid = await firstPid(client);
    expect(await client.kind('close')).toMatchObject({ returnCode: 0 });
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    expect(await record).toMatchObject({ ended_by: 'exit' });
  });
});

describe('output', () => {
  it('of a client that does not read holds the command back', async () => {
    const { client, record } = serve();
    client.stream.pause();
    const marker = join(scratch, 'written');
    client.send(openOf(sh(`head -c 20000000 /dev/zero; touch ${marker}`)));
    await delay(300);
    expect(existsSync(marker)).toBe(false);
    client.stream.resume();
    expect(await client.kind('close')).toMatchObject({ returnCode: 0, report: { stdoutBytes: 20_000_000 } });
    expect(await record).toMatchObject({ stdout_bytes: 20_000_000 });
  });

  it('over the limit is counted and dropped, and the command still ends', async () => {
    const { client } = await run(['head', '-c', '1000000', '/dev/zero'], { exec: { maxOutputBytes: 1000 } });
    expect(client.bytes(1).byteLength).toBe(1000);
    expect(await client.kind('close')).toMatchObject({ returnCode: 0, report: { stdoutBytes: 1_000_000 } });
  });
});

describe('policy', () => {
  it.each([
    [{ allow: [['echo', '**']] }, ['echo', 'a', 'b'], true],
    [{ allow: [['echo', '*']] }, ['echo', 'a', 'b'], false],
    [{ allow: [['echo', '**']] }, ['printf', 'x'], false],
    [{ allow: [['true']] }, ['/bin/true'], false],
    [{ deny: [['rm', '**']] }, ['/bin/rm', '-f', '/no/such'], false],
    [{ deny: [['rm', '**']] }, ['echo', 'rm'], true],
    [{ cwdRoots: ['/usr'] }, ['true'], false],
    [{ cwdRoots: ['/'] }, ['true'], true],
  ])('%j on %j runs: %s', async (policy, argv, runs) => {
    const { client } = await run(argv, {}, { policy });
    expect(client.received[0]).toMatchObject(runs ? { kind: 'ack' } : { kind: 'error', reason: FailureReason.DENIED });
  });

  it('keeps to the listed variable names', async () => {
    const policy = { env: ['APP_*', 'PATH'] };
    const allowed = await run(['true'], { envVars: [{ key: 'APP_MODE', value: '1' }] }, { policy });
    expect(allowed.client.received[0]?.kind).toBe('ack');
    const denied = await run(['true'], { envVars: [{ key: 'OTHER', value: '1' }] }, { policy });
    expect(denied.client.received[0]?.kind).toBe('error');
    const path = await run(['/bin/true'], { envVars: [{ key: 'PATH', value: '/bin' }] }, { policy });
    expect(path.client.received[0]?.kind).toBe('ack');
  });
});

describe('CommandServer', () => {
  const connect = (server: CommandServer): RawClient => {
    const [near, far] = duplexPair();
    void server.serve(far, { userId: 'u1', credentialId: 'c1' });
    return new RawClient(near);
  };

  it('refuses the command over its limit and takes one again when a place is free', async () => {
    const server = new CommandServer({ environment: process.env, maxSessions: 1 });
    const first = connect(server).send(openOf(['cat'], { stdin: true }));
    await first.kind('ack');
    expect(
      await connect(server)
        .send(openOf(['true']))
        .kind('error'),
    ).toMatchObject({ reason: FailureReason.CAPACITY });
    first.send({ kind: 'data', type: 0, eos: true });
    await first.kind('close');
    expect(
      await connect(server)
        .send(openOf(['true']))
        .kind('close'),
    ).toMatchObject({ returnCode: 0 });
  });

  it('records who ran what, with a bounded command line', async () => {
    const recorded = Promise.withResolvers<unknown>();
    const server = new CommandServer({ environment: process.env, onRecord: recorded.resolve });
    connect(server).send(openOf(['true', 'x'.repeat(50_000)]));
    const record = await recorded.promise;
    expect(record).toMatchObject({ user_id: 'u1', credential_id: 'c1', decision: 'run', exit_code: 0 });
    expect(JSON.stringify(record).length).toBeLessThan(1_500);
  });

  it('on stop does not wait for a peer that never closes, nor for a long grace', async () => {
    const server = new CommandServer({ environment: process.env });
    const client = connect(server).send(openOf(sh('trap "" TERM; echo up; sleep 300'), { exec: { killGraceMs: 60_000 } }));
    await client.until((message) => message.kind === 'data');
    const start = performance.now();
    await server.stop(50);
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(await client.kind('close')).toMatchObject({ report: { signal: 'SIGKILL' } });
  });

  it('on stop takes no more, lets a short command finish and ends a long one', async () => {
    const server = new CommandServer({ environment: process.env });
    const long = connect(server).send(openOf(['sleep', '60']));
    const short = connect(server).send(openOf(['cat'], { stdin: true }));
    await Promise.all([long.kind('ack'), short.kind('ack')]);
    const stopped = server.stop(200);
    expect(
      await connect(server)
        .send(openOf(['true']))
        .kind('error'),
    ).toMatchObject({ reason: FailureReason.STOPPING });
    short.send({ kind: 'data', type: 0, eos: true });
    expect(await short.kind('close')).toMatchObject({ returnCode: 0 });
    expect(await long.kind('close')).toMatchObject({ report: { signal: 'SIGTERM' } });
    for (const client of [long, short]) client.stream.end();
    await stopped;
    expect(server.running).toBe(0);
  });
});

it('runs 100 commands 8 wide without losing or mixing output', async () => {
  const server = new CommandServer({ environment: process.env });
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < 100; index = next++) {
      const [near, far] = duplexPair();
      void server.serve(far, {});
      const client = new RawClient(near).send(openOf(sh(`echo out-${index}; echo err-${index} >&2; exit ${index % 7}`)));
      expect(await client.kind('close')).toMatchObject({ returnCode: index % 7 });
      expect([client.text(1), client.text(2)]).toEqual([`out-${index}\n`, `err-${index}\n`]);
      near.end();
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
});
