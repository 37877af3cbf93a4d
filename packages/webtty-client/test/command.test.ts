import { describe, expect, it } from 'vitest';
import { limits, RstreamError } from '@rstream/protocol';
import { collect, openCommand, transportFromWebStreams, type CommandRequest } from '@rstream/webtty-client';
import { closed, eos, err, out, ScriptedServer } from './scripted-server.ts';

const url = 'rstrm://box';
const request: CommandRequest = { argv: ['prog', 'a b'] };

describe('collect', () => {
  it('sends argv, directory, variables and the contract, and returns both streams with the code', async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, { ...request, cwd: '/w', env: { A: 'b' }, timeoutMs: 5000 }, { url });
    expect(await server.start()).toMatchObject({
      capabilities: [1000, 1001],
      config: {
        options: { interactive: false, allocateTty: false },
        cmdArgs: ['prog', 'a b'],
        envVars: [{ key: 'A', value: 'b' }],
        workdir: { value: '/w' },
        exec: { deadlineMs: 5000 },
      },
    });
    server.send(
      { kind: 'heartbeat' },
      out('one '),
      err('problem'),
      out('two'),
      eos(1),
      eos(2),
      closed(3, { stdoutBytes: 7, stderrBytes: 7 }),
    );
    expect(await result).toMatchObject({
      url,
      command: ['prog', 'a b'],
      exit_code: 3,
      signal: null,
      stdout: 'one two',
      stderr: 'problem',
      stdout_bytes: 7,
      truncated: false,
      encoding: 'utf8',
    });
    expect(server.isClosed).toBe(true);
  });

  it('works with a published server: no report, -1 for a signal', async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, request, { url });
    await server.start({ contract: false });
    server.send(out('x'), eos(1), eos(2), closed(-1));
    expect(await result).toMatchObject({ exit_code: null, signal: null, stdout: 'x', stdout_bytes: 1, timed_out: false });
  });

  it('ends a command of a published server by itself when the time is up', async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, { ...request, timeoutMs: 30 }, { url });
    await server.start({ contract: false });
    server.send(out('partial'));
    expect(await result).toMatchObject({ exit_code: null, timed_out: true, cancelled: false, stdout: 'partial' });
    expect(server.isClosed).toBe(true);
  });

  it('leaves the deadline to a server that keeps it', async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, { ...request, timeoutMs: 10 }, { url });
    await server.start();
    await new Promise((resolve) => {
      setTimeout(resolve, 40);
    });
    server.send(out('late'), eos(1), eos(2), closed(-1, { signal: 'SIGTERM', timedOut: true, stdoutBytes: 4 }));
    expect(await result).toMatchObject({ signal: 'SIGTERM', timed_out: true, stdout: 'late' });
  });

  it('asks the server to end the command on abort, and reports what it says', async () => {
    const server = new ScriptedServer();
    const abort = new AbortController();
    const result = collect(server.transport, request, { url, signal: abort.signal });
    await server.start();
    server.send(out('partial'));
    await server.untilRead();
    abort.abort();
    expect(await server.next()).toEqual({ kind: 'signal', name: '', cancel: true });
    server.send(eos(1), eos(2), closed(-1, { signal: 'SIGTERM', cancelled: true, stdoutBytes: 7 }));
    expect(await result).toMatchObject({ cancelled: true, signal: 'SIGTERM', stdout: 'partial' });
  });

  it('cuts the connection when the server does not answer a cancel', async () => {
    const server = new ScriptedServer();
    const abort = new AbortController();
    const started = performance.now();
    const result = collect(server.transport, { ...request, killGraceMs: 1 }, { url, signal: abort.signal });
    await server.start();
    await server.untilRead();
    abort.abort();
    expect(await result).toMatchObject({ cancelled: true, exit_code: null });
    expect(performance.now() - started).toBeLessThan(limits.webtty.cancelTimeout.default + 1_000);
  });

  it.each([true, false])('returns a cancelled result for an abort before the start (already aborted: %s)', async (already) => {
    const server = new ScriptedServer();
    const abort = new AbortController();
    if (already) abort.abort();
    const result = collect(server.transport, request, { url, signal: abort.signal });
    abort.abort();
    expect(await result).toMatchObject({ cancelled: true, exit_code: null, stdout: '' });
    expect(server.isClosed).toBe(true);
  });

  it('tells a device that may have started it already, and would wait for us to come back, to end it', async () => {
    const server = new ScriptedServer();
    const abort = new AbortController();
    const result = collect(server.transport, request, { url, signal: abort.signal, reconnect: () => Promise.reject(new Error('gone')) });
    expect(await server.next()).toMatchObject({ kind: 'open' });
    abort.abort();
    expect(await server.next()).toEqual({ kind: 'signal', name: '', cancel: true });
    expect(await result).toMatchObject({ cancelled: true, exit_code: null });
    expect(server.isClosed).toBe(true);
  });

  it('says that the connection was lost and keeps what had arrived', async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, request, { url });
    await server.start();
    server.send(out('partial'));
    server.end();
    await expect(result).rejects.toMatchObject({
      code: 'ERR_RSTREAM_WEBTTY_LOST',
      details: { result: { stdout: 'partial', exit_code: null } },
    });
  });

  it("keeps the transport's own code when the connection breaks, and what had arrived", async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, request, { url });
    await server.start();
    server.send(out('partial'));
    server.fail(new RstreamError('SESSION_LOST'));
    await expect(result).rejects.toMatchObject({ code: 'SESSION_LOST', details: { result: { stdout: 'partial' } } });
  });

  it('does not call a connection that breaks under its input a cancel', async () => {
    const server = new ScriptedServer();
    async function* input(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      await server.untilClosed();
      yield new Uint8Array(10);
    }
    const result = collect(server.transport, request, { url, input: input() });
    await server.start();
    await server.next();
    server.transport.close();
    await expect(result).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_LOST' });
  });

  it('cancels the command when reading the input fails, and throws that error', async () => {
    const server = new ScriptedServer();
    // oxlint-disable-next-line require-yield
    async function* input(): AsyncGenerator<Uint8Array> {
      throw new Error('disk gone');
    }
    const result = collect(server.transport, request, { url, input: input() });
    await server.start();
    expect(await server.next()).toMatchObject({ kind: 'signal', cancel: true });
    server.send(eos(1), eos(2), closed(-1, { cancelled: true }));
    await expect(result).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_INPUT', message: 'disk gone' });
  });

  it('keeps head and tail of a long output within the limit of both streams together', async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, request, { url, maxOutputBytes: 100 });
    await server.start();
    server.send(
      out(`${'a'.repeat(500)}${'b'.repeat(500)}`),
      err('short'),
      eos(1),
      eos(2),
      closed(0, { stdoutBytes: 1000, stderrBytes: 5 }),
    );
    const { stdout, stderr, ...rest } = await result;
    expect(stdout).toBe(`${'a'.repeat(48)}\n[... 905 bytes omitted ...]\n${'b'.repeat(47)}`);
    expect(stderr).toBe('short');
    expect(rest).toMatchObject({ stdout_truncated: true, stderr_truncated: false, truncated: true, stdout_bytes: 1000 });
  });

  it('falls back to base64 for binary output', async () => {
    const server = new ScriptedServer();
    const result = collect(server.transport, request, { url });
    await server.start();
    server.send({ kind: 'data', type: 1, data: new Uint8Array([0xff, 0x00, 0xfe]) }, err('é'), eos(1), eos(2), closed(0));
    expect(await result).toMatchObject({ encoding: 'base64', stdout: '/wD+', stderr: Buffer.from('é').toString('base64') });
  });
});

describe('a refusal', () => {
  it.each([
    [1, 'ERR_RSTREAM_COMMAND_NOT_FOUND'],
    [2, 'ERR_RSTREAM_COMMAND_NOT_EXECUTABLE'],
    [3, 'ERR_RSTREAM_COMMAND_DENIED'],
    [4, 'ERR_RSTREAM_COMMAND_WORKDIR'],
    [5, 'ERR_RSTREAM_DEVICE_BUSY'],
    [0, 'ERR_RSTREAM_WEBTTY_REFUSED'],
    [999, 'ERR_RSTREAM_WEBTTY_REFUSED'],
  ])('with reason %i is %s', async (reason, code) => {
    const server = new ScriptedServer();
    const result = openCommand(server.transport, request);
    await server.next();
    server.send({ kind: 'error', msg: 'because', reason });
    await expect(result).rejects.toMatchObject({ code, message: 'because' });
    expect(server.isClosed).toBe(true);
  });

  it('may be silence: the wait for a start is bounded', async () => {
    const server = new ScriptedServer();
    await expect(openCommand(server.transport, request, { openTimeoutMs: 20 })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_WEBTTY_TIMEOUT',
    });
    expect(server.isClosed).toBe(true);
  });

  it.each([
    ['garbage', new Uint8Array([0xff, 0xff, 0xff, 0xff])],
    ['an HTTP answer', new TextEncoder().encode('HTTP/1.1 502 Bad Gateway\r\n\r\n')],
  ])('is a protocol error for %s', async (_name, bytes) => {
    const server = new ScriptedServer();
    const result = openCommand(server.transport, request);
    server.sendBytes(bytes);
    await expect(result).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_PROTOCOL' });
  });

  it.each([
    [{ argv: [] }, 'at least'],
    [{ argv: ['a\0'] }, 'NUL'],
    [{ argv: ['a'], timeoutMs: -1 }, 'timeoutMs'],
  ])('of %j happens before anything is sent', async (bad, message) => {
    await expect(openCommand(new ScriptedServer().transport, bad)).rejects.toThrow(message);
  });
});

describe('a running command', () => {
  it('stops reading from its transport while its output is not read', async () => {
    const server = new ScriptedServer();
    const opening = openCommand(server.transport, request);
    await server.start();
    const command = await opening;
    const block = new Uint8Array(65_536);
    for (let turn = 0; turn < 64; turn += 1) server.send({ kind: 'data', type: 1, data: block });
    server.send(eos(1), eos(2), closed(0, { stdoutBytes: 64 * 65_536 }));
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(server.readBytes).toBeLessThan(limits.webtty.outputQueue.default + 2 * 65_600);
    let total = 0;
    for await (const chunk of command.stdout) total += chunk.byteLength;
    expect(total).toBe(64 * 65_536);
    expect(await command.wait()).toMatchObject({ exitCode: 0 });
  });

  it('sends stdin within the credit of the server, and a signal past it', async () => {
    const server = new ScriptedServer();
    const opening = openCommand(server.transport, { ...request, stdin: true });
    await server.start({ stdinWindow: 100 });
    const command = await opening;
    const writing = command.stdin.write(new Uint8Array(250));
    expect(await server.next()).toMatchObject({ kind: 'data', data: new Uint8Array(100) });
    await command.kill('SIGINT');
    expect(await server.next()).toEqual({ kind: 'signal', name: 'SIGINT', cancel: false });
    server.send({ kind: 'stdinCredit', bytes: 150 });
    expect(await server.next()).toMatchObject({ kind: 'data', data: new Uint8Array(150) });
    await writing;
    await command.stdin.end();
    expect(await server.next()).toMatchObject({ kind: 'data', eos: true });
  });

  it('drops input that comes after its end', async () => {
    const server = new ScriptedServer();
    const opening = openCommand(server.transport, { ...request, stdin: true });
    await server.start({ stdinWindow: 1 });
    const command = await opening;
    const writing = command.stdin.write(new Uint8Array(10));
    server.send(eos(1), eos(2), closed(0));
    await command.wait();
    await writing;
    await expect(command.stdin.write(new Uint8Array(10))).resolves.toBeUndefined();
    await expect(command.stdin.end()).resolves.toBeUndefined();
  });

  it('runs over a pair of web streams', async () => {
    const server = new ScriptedServer();
    const toDevice = new WritableStream<Uint8Array>({ write: (chunk) => void server.transport.write(chunk) });
    const fromDevice = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const chunk = await server.transport.read();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const result = collect(transportFromWebStreams({ readable: fromDevice, writable: toDevice }), request, { url });
    await server.start();
    server.send(out('web'), eos(1), eos(2), closed(0, { stdoutBytes: 3 }));
    expect(await result).toMatchObject({ stdout: 'web', exit_code: 0 });
  });
});
