import { afterEach, expect, it, vi } from 'vitest';
import { limits } from '@rstream/protocol';
import type { MessageOf } from '@rstream/protocol/webtty';
import { openTerminal, type RemoteTerminal, type TerminalRequest } from '@rstream/webtty-client';
import { closed, eos, out, ScriptedServer } from './scripted-server.ts';

afterEach(() => vi.useRealTimers());

const window = 4_000;

/** A terminal and the server that plays its device. */
async function start({
  credit = true,
  contract = true,
  ...request
}: Partial<TerminalRequest> & { credit?: boolean; contract?: boolean } = {}) {
  const server = new ScriptedServer();
  const opening = openTerminal(server.transport, { rows: 24, columns: 80, ...request });
  const open = (await server.next()) as MessageOf<'open'>;
  const capabilities = [...(contract ? [1000] : []), ...(credit ? [1001] : [])];
  server.send({ kind: 'ack', capabilities, stdinWindow: contract ? 1_000 : 0, ...(credit ? { outputWindow: window } : {}) });
  return { server, open, terminal: await opening };
}

async function read(terminal: RemoteTerminal): Promise<string> {
  let text = '';
  for await (const chunk of terminal.output) text += new TextDecoder().decode(chunk);
  return text;
}

it('asks for a terminal with its size and type, and for the login shell without words', async () => {
  const { open, terminal } = await start({ term: 'vt100', env: { LANG: 'C' } });
  expect(open).toMatchObject({
    capabilities: [1000, 1001],
    config: {
      options: { interactive: true, allocateTty: true, sendHeartbeat: true },
      cmdArgs: [],
      envVars: [
        { key: 'LANG', value: 'C' },
        { key: 'TERM', value: 'vt100' },
      ],
      terminalSize: { row: 24, col: 80 },
    },
  });
  terminal.close();
});

it('shows output, sends what is typed and the size, and ends with the code of the program', async () => {
  const { server, terminal } = await start();
  const shown = read(terminal);
  await terminal.write(new TextEncoder().encode('ls\r'));
  await terminal.resize({ rows: 50, columns: 100, pixelWidth: 800 });
  expect(await server.next()).toMatchObject({ kind: 'data', type: 0, data: new TextEncoder().encode('ls\r') });
  expect(await server.next()).toMatchObject({ kind: 'parameter', terminalSize: { row: 50, col: 100, xpixel: 800, ypixel: 0 } });
  server.send(out('file\r\n'), eos(1), closed(3, {}));
  expect(await shown).toBe('file\r\n');
  expect(await terminal.wait()).toMatchObject({ exitCode: 3, signal: null });
});

it('gives credit for what the viewer consumed, and for nothing else', async () => {
  const { server, terminal } = await start();
  const viewer = terminal.output[Symbol.asyncIterator]();
  server.send(out('a'.repeat(900)), out('b'.repeat(200)), out('c'));
  await viewer.next();
  await viewer.next();
  await server.untilRead();
  await terminal.resize({ rows: 1, columns: 1 });
  // Two chunks were handed out, but only the first is known to be consumed: less than a quarter of the window.
  expect(await server.next()).toMatchObject({ kind: 'parameter' });
  await viewer.next();
  expect(await server.next()).toEqual({ kind: 'outputCredit', bytes: 1_100 });
  terminal.close();
});

it('tells a published server the size once the program runs, and gives it no credit', async () => {
  const { server, terminal } = await start({ credit: false, contract: false });
  expect(await server.next()).toMatchObject({ kind: 'parameter', terminalSize: { row: 24, col: 80 } });
  const shown = read(terminal);
  server.send(out('x'.repeat(100_000)), eos(1), closed(0));
  expect(await shown).toHaveLength(100_000);
  await expect(terminal.kill()).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_UNSUPPORTED' });
  expect(await terminal.wait()).toMatchObject({ exitCode: 0, stdoutBytes: 100_000 });
});

it('beats while it runs', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { server, terminal } = await start();
  vi.advanceTimersByTime(limits.webtty.heartbeatInterval.default);
  expect(await server.next()).toEqual({ kind: 'heartbeat' });
  server.send(eos(1), closed(0, {}));
  await terminal.wait();
  expect(vi.getTimerCount()).toBe(0);
});

it.each([
  [99, 'ERR_RSTREAM_WEBTTY_REFUSED'],
  [11, 'ERR_RSTREAM_SESSION_NOT_FOUND'],
  [10, 'ERR_RSTREAM_TERMINAL_MISSING'],
  [6, 'ERR_RSTREAM_COMMAND_UNSUPPORTED'],
])('a refusal with reason %i has its code', async (reason, code) => {
  const server = new ScriptedServer();
  const opening = openTerminal(server.transport, { rows: 24, columns: 80 });
  await server.next();
  server.send({ kind: 'error', msg: 'no', reason });
  await expect(opening).rejects.toMatchObject({ code });
});

it('refuses a size that is none, and closes the transport', async () => {
  const server = new ScriptedServer();
  await expect(openTerminal(server.transport, { rows: 0, columns: 80 })).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_INVALID' });
  expect(server.isClosed).toBe(true);
});
