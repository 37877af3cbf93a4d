import { defineTool, type ExecRequest } from '@rstream/mcp-tools';
import { Limiter, createMcpServer, fit, headAndTail, serveOverStdio } from '@rstream/mcp-tools/server';
import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { execResult, fakePorts } from './fake-ports.ts';
import { eras, openWorld } from './world.ts';

const never = new AbortController().signal;

describe('the limiter', () => {
  it('runs 8 at once, lets 16 wait in order and refuses the rest', async () => {
    const limiter = new Limiter();
    const gates = Array.from({ length: 24 }, () => Promise.withResolvers<void>());
    const started: number[] = [];
    const tasks = gates.map((gate, at) =>
      limiter.run(async () => {
        started.push(at);
        await gate.promise;
        return at;
      }, never),
    );
    await expect(limiter.run(async () => 0, never)).rejects.toMatchObject({ code: 'ERR_RSTREAM_MCP_BUSY' });
    await Promise.resolve();
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const gate of gates) gate.resolve();
    expect(await Promise.all(tasks)).toEqual(gates.map((_, at) => at));
    expect(started).toEqual(gates.map((_, at) => at));
    await limiter.idle();
  });

  it('frees the place of a waiting call that is cancelled, and of one that fails', async () => {
    const limiter = new Limiter(1, 1);
    const gate = Promise.withResolvers<void>();
    const first = limiter.run(() => gate.promise, never);
    const controller = new AbortController();
    const waiting = limiter.run(async () => 1, controller.signal);
    controller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    const second = limiter.run(async () => 2, never);
    gate.reject(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    expect(await second).toBe(2);
  });

  it.each(eras)('answers 30 simultaneous calls: 24 with results, 6 busy (%s era)', async (era) => {
    const gate = Promise.withResolvers<void>();
    const ports = fakePorts({
      commands: {
        exec: async (request: ExecRequest) => {
          await gate.promise;
          return execResult(request);
        },
      },
    });
    await using world = await openWorld({ era, ports });
    const calls = Array.from({ length: 30 }, (_, at) =>
      world.call('rstream_webtty_exec', { url: 'rstrm://a', command: [`marker-${at}`] }).then((result) => {
        if (result.text.includes('ERR_RSTREAM_MCP_BUSY')) gate.resolve();
        return result;
      }),
    );
    const results = await Promise.all(calls);
    expect(results.filter((result) => result.text.includes('ERR_RSTREAM_MCP_BUSY'))).toHaveLength(6);
    const answers = results.map((result, at) => result.isError || result.data?.['stdout'] === `marker-${at}`);
    expect(answers).not.toContain(false);
  });
});

describe('a call', () => {
  const tool = (run: (signal: AbortSignal) => Promise<{ data: { done: boolean } }>) =>
    defineTool({
      name: 'rstream_test',
      title: 'Test',
      description: 'Test.',
      toolset: 'core',
      surface: 'runtime',
      effect: 'read',
      input: z.strictObject({}),
      output: z.object({ done: z.boolean() }),
      deadline: () => 20,
      run: (_ports: unknown, _input, { signal }) => run(signal),
    });

  it('ends at its deadline with a coded error', async () => {
    const stuck = tool((signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))));
    await using world = await openWorld({ tools: [stuck] });
    expect((await world.call('rstream_test')).text).toContain('error ERR_RSTREAM_TIMEOUT: The call did not finish within 0.02 s.');
  });

  it('is an unknown tool only to a client that invents one', async () => {
    await using world = await openWorld();
    await expect(world.call('rstream_nothing')).rejects.toThrow('Unknown tool');
  });
});

describe('fitting a result', () => {
  it('always keeps within the bound where something can be shortened, and keeps small fields whole', () => {
    const value = fc.record({
      exit_code: fc.integer(),
      stdout: fc.string({ unit: 'binary', maxLength: 5000 }),
      stderr: fc.string({ unit: 'binary', maxLength: 5000 }),
      rows: fc.array(fc.string({ maxLength: 50 }), { maxLength: 200 }),
      encoding: fc.constantFrom('utf8', 'base64'),
    });
    fc.assert(
      fc.property(value, fc.integer({ min: 800, max: 4000 }), (result, max) => {
        const fitted = fit(result, max);
        expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThanOrEqual(max);
        expect(fitted['exit_code']).toBe(result.exit_code);
        const untouched = Buffer.byteLength(JSON.stringify(result)) <= max;
        expect(!untouched || JSON.stringify(fitted) === JSON.stringify(result)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('cuts base64 so that it still decodes', () => {
    const stdout = Buffer.alloc(9000, 7).toString('base64');
    const fitted = fit({ encoding: 'base64', stdout, stdout_truncated: false }, 2000);
    expect(String(fitted['stdout']).length % 4).toBe(0);
    expect(fitted).toMatchObject({ truncated: true, stdout_truncated: true });
  });

  it('says how much is missing between head and tail', () => {
    expect(headAndTail('abcdefghij', 4)).toBe('ab\n[… 6 characters left out …]\nij');
    expect(headAndTail('abc', 4)).toBe('abc');
  });
});

describe('stdio', () => {
  const serve = (ports = fakePorts()) => {
    const server = createMcpServer({ name: 'rstream', title: 'rstream', version: '1', instructions: '', tools: [], ports });
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const errors: Error[] = [];
    const connection = serveOverStdio(server, { stdin, stdout, onError: (error) => errors.push(error) });
    return { stdin, stdout, connection, errors };
  };
  const ask = (id: number) => `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: {} })}\n`;

  it('skips garbage between messages and answers what follows', async () => {
    const { stdin, stdout } = serve();
    stdin.write('garbage\n{"half":\n[]\n\u0000\u0001\n"text"\n');
    stdin.write(ask(7));
    const [chunk] = (await once(stdout, 'data')) as [Buffer];
    expect(JSON.parse(chunk.toString())).toMatchObject({ id: 7, result: { tools: [] } });
  });

  it('answers what was asked before the end of input, then closes', async () => {
    const { stdin, stdout, connection } = serve();
    let output = '';
    stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    stdin.end(ask(1) + ask(2));
    await connection.closed;
    expect(
      output
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: number }).id),
    ).toEqual([1, 2]);
  });

  it('closes on a message of more than 8 MiB instead of keeping it', async () => {
    const { stdin, connection, errors } = serve();
    const chunk = Buffer.alloc(1_048_576, 'x');
    for (let sent = 0; sent < 9; sent += 1) stdin.write(chunk);
    await connection.closed;
    expect(errors.length).toBeGreaterThan(0);
  });
});
