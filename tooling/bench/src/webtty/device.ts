import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { ProcessWorld } from '@rstream/testkit';
import { keepConnected } from '@rstream/tunnel-core';
import { openCommand, openTerminal, type WebttyTransport } from '@rstream/webtty-client';
import type { HostedTerminal, TerminalHost } from './terminal-host.ts';

/** A Node stream as the transport of the library. */
export function duplexTransport(stream: Duplex): WebttyTransport {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  stream.on('error', () => undefined);
  return {
    read: async () => (await chunks.next()).value,
    write: (chunk) => new Promise<void>((done, fail) => void stream.write(chunk, (error) => (error ? fail(error) : done()))),
    close: () => void stream.destroy(),
  };
}

/** `openTerminal` over a transport, as the benchmark drives every peer. */
export async function terminalOver(transport: WebttyTransport, argv: readonly string[]): Promise<HostedTerminal> {
  const terminal = await openTerminal(transport, { rows: 24, columns: 80, argv });
  terminal.wait().catch(() => undefined);
  return {
    output: terminal.output,
    write: (text) => void terminal.write(Buffer.from(text)).catch(() => undefined),
    close: () => transport.close(),
  };
}

/** The product: this process is the workstation, hosted and the agent are processes of their own. */
export interface Device extends TerminalHost {
  openArgv(argv: readonly string[]): Promise<HostedTerminal>;
  /** Bytes of standard output of a command, all of them consumed. */
  command(argv: readonly string[]): Promise<number>;
  readonly agent: number;
}

export async function startDevice(world: ProcessWorld): Promise<Device> {
  const agent = await world.startDevice('bench', ['--allow-terminal', '--max-sessions', '2000']);
  const connection = keepConnected({
    engine: world.ready.engine,
    token: readFileSync(world.ready.ownerTokenFile, 'utf8').trim(),
    client: { agent: 'bench', channel: 'cli', version: '0.0.0', os: 'linux', arch: 'x64', protocol_version: '1.4.5' },
  });
  const dial = async (): Promise<WebttyTransport> => duplexTransport(await connection.dial('bench'));
  return {
    name: 'rstream',
    agent: agent.pid,
    pids: [world.ready.pid, agent.pid],
    open: async () => terminalOver(await dial(), ['sh']),
    openArgv: async (argv) => terminalOver(await dial(), argv),
    async command(argv) {
      const command = await openCommand(await dial(), { argv });
      let bytes = 0;
      for await (const chunk of command.stdout) bytes += chunk.byteLength;
      await command.wait();
      return bytes;
    },
    close: () => connection.close(),
  };
}
