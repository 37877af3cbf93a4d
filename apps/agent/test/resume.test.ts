import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attachTerminal, collect, openCommand, openTerminal, type LinkState, type RemoteTerminal } from '@rstream/webtty-client';
import { Device } from './device.ts';

const full = process.env['RSTREAM_TEST_FULL'] === '1';
const sh = (script: string): string[] => ['sh', '-c', script];
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const size = { rows: 24, columns: 80 };

/** A file of lines, none of which is like another. */
function linesFile(bytes: number): { readonly path: string; readonly sha: string } {
  const lines: string[] = [];
  for (let line = 0, length = 0; length < bytes; line += 1) {
    lines.push(`${line} ${'abcdefghijklmnopqrstuvwxyz'.repeat(line % 4)}\n`);
    length += lines.at(-1)?.length ?? 0;
  }
  const content = Buffer.from(lines.join(''));
  const path = join(mkdtempSync(join(tmpdir(), 'rstream-resume-')), 'lines');
  writeFileSync(path, content);
  return { path, sha: digest(content) };
}

/** Reads a terminal or a stream to its end, and cuts the network after every `every` bytes. */
async function readAndCut(output: AsyncIterable<Uint8Array>, device: Device, every: number): Promise<{ sha: string; cuts: number }> {
  const hash = createHash('sha256');
  let since = 0;
  let cuts = 0;
  for await (const chunk of output) {
    hash.update(chunk);
    since += chunk.byteLength;
    if (since < every) continue;
    since = 0;
    cuts += 1;
    device.cut();
  }
  return { sha: hash.digest('hex'), cuts };
}

describe('a session whose connection is cut again and again', () => {
  const bytes = full ? 200_000_000 : 10_000_000;

  it('gives every byte of a terminal, and its end, as an uninterrupted one would', async () => {
    const { path, sha } = linesFile(bytes);
    const device = new Device();
    const request = { ...size, argv: sh(`stty raw; cat ${path}; exit 7`) };
    const terminal = await openTerminal(device.connect(), request, { reconnect: device.reconnect });
    const read = await readAndCut(terminal.output, device, Math.floor(bytes / 200));
    expect(read.sha).toBe(sha);
    expect(read.cuts).toBeGreaterThanOrEqual(100);
    expect(await terminal.wait()).toMatchObject({ exitCode: 7, stdoutBytes: expect.any(Number) as number });
    expect(device.records).toHaveLength(1);
  }, 180_000);

  it('gives every byte of a command on both streams, and its code', async () => {
    const { path, sha } = linesFile(bytes);
    const device = new Device();
    const command = await openCommand(
      device.connect(),
      { argv: sh(`cat ${path} >&2 & cat ${path}; wait; exit 5`) },
      { reconnect: device.reconnect },
    );
    const [out, err] = await Promise.all([
      readAndCut(command.stdout, device, Math.floor(bytes / 200)),
      readAndCut(command.stderr, device, bytes),
    ]);
    expect([out.sha, err.sha]).toEqual([sha, sha]);
    expect(await command.wait()).toMatchObject({ exitCode: 5 });
  }, 180_000);

  it('takes every byte of input once', async () => {
    const input = Buffer.alloc(3_000_000);
    for (let at = 0; at < input.byteLength; at += 4) input.writeUInt32LE(at, at);
    const device = new Device();
    const command = await openCommand(device.connect(), { argv: ['cat'], stdin: true }, { reconnect: device.reconnect });
    const feeding = (async () => {
      for (let at = 0; at < input.byteLength; at += 10_000) await command.stdin.write(input.subarray(at, at + 10_000));
      await command.stdin.end();
    })();
    const { sha, cuts } = await readAndCut(command.stdout, device, 40_000);
    await feeding;
    expect(sha).toBe(digest(input));
    expect(cuts).toBeGreaterThan(40);
    expect(await command.wait()).toMatchObject({ exitCode: 0 });
  }, 60_000);
});

describe('a session whose connection is lost', () => {
  it('is told to who waits, and is there again', async () => {
    const device = new Device();
    const states: LinkState['state'][] = [];
    const terminal = await openTerminal(
      device.connect(),
      { ...size, argv: ['cat'] },
      { reconnect: device.reconnect, onLink: ({ state }) => states.push(state) },
    );
    const text = collectText(terminal);
    await terminal.write(Buffer.from('before\r'));
    await text.until(/before\r\nbefore/);
    device.cut();
    await terminal.write(Buffer.from('after\r'));
    await text.until(/after\r\nafter/);
    expect(states).toEqual(['lost', 'resumed']);
    terminal.close();
    await terminal.wait();
  });

  it('gives its end to who comes back after it has ended', async () => {
    const device = new Device();
    const command = await openCommand(
      device.connect(),
      { argv: sh('echo begun; read line; echo got $line; exit 9'), stdin: true },
      {
        reconnect: device.reconnect,
      },
    );
    const result = collectBytes(command.stdout);
    await result.until(/begun/);
    device.reachable = false;
    await command.stdin.write(Buffer.from('it\n'));
    device.cut();
    await recorded(device);
    device.reachable = true;
    expect(await command.wait()).toMatchObject({ exitCode: 9 });
    expect(await result.whole).toBe('begun\ngot it\n');
  });

  it('is ended on the device when nobody comes back in time, and refused to who comes later', async () => {
    const device = new Device();
    const terminal = await openTerminal(
      device.connect(),
      { ...size, argv: ['sleep', '60'] },
      { reconnect: device.reconnect, resumeMs: 100 },
    );
    device.reachable = false;
    device.cut();
    await expect(terminal.wait()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_RSTREAM_WEBTTY_LOST$/) as string });
    await recorded(device);
    expect(device.records[0]).toMatchObject({ ended_by: 'disconnect' });
  });

  it('goes on with whoever came last with its secret, and the other one is told and stays away', async () => {
    const device = new Device();
    const first = await openTerminal(device.connect(), { ...size, argv: ['cat'] }, { reconnect: device.reconnect });
    const { id: sessionId = '', secret } = first.session ?? {};
    const second = await attachTerminal(device.connect(), { sessionId, secret, ...size }, { reconnect: device.reconnect });
    await expect(first.wait()).rejects.toMatchObject({ code: 'ERR_RSTREAM_SESSION_REPLACED' });
    const text = collectText(second);
    await second.write(Buffer.from('mine\r'));
    await text.until(/mine\r\nmine/);
    expect(device.connections).toBe(2);
    second.close();
    await second.wait();
  });

  it('is not kept for a client that cannot come back', async () => {
    const device = new Device();
    const running = collect(device.connect(), { argv: ['sleep', '60'] }, { url: 'rstrm://x' });
    running.catch(() => undefined);
    await expect.poll(() => device.server.running).toBe(1);
    device.cut();
    await expect(running).rejects.toThrow('network failed');
    await recorded(device);
    expect(device.records[0]).toMatchObject({ ended_by: 'disconnect' });
  });

  it('cancelled meanwhile is ended when the connection is back', async () => {
    const device = new Device();
    const command = await openCommand(device.connect(), { argv: ['sleep', '60'] }, { reconnect: device.reconnect });
    device.reachable = false;
    device.cut();
    await new Promise((resolve) => setImmediate(resolve));
    command.cancel();
    device.reachable = true;
    expect(await command.wait()).toMatchObject({ cancelled: true });
    await recorded(device);
    expect(device.records[0]).toMatchObject({ ended_by: 'cancel', signal: 'SIGTERM' });
  });
});

async function recorded(device: Device): Promise<void> {
  await expect.poll(() => device.records.length, { timeout: 10_000 }).toBeGreaterThan(0);
}

function collectBytes(output: AsyncIterable<Uint8Array>) {
  let text = '';
  let wake: (() => void) | undefined;
  const whole = (async () => {
    for await (const chunk of output) {
      text += Buffer.from(chunk).toString();
      wake?.();
    }
    return text;
  })();
  whole.catch(() => undefined);
  return {
    whole,
    get text() {
      return text;
    },
    async until(pattern: RegExp): Promise<void> {
      while (!pattern.test(text)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

const collectText = (terminal: RemoteTerminal) => collectBytes(terminal.output);
