import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { duplexTransport, terminalOver } from './device.ts';
import type { TerminalHost } from './terminal-host.ts';

/** `webtty-server` in a process of its own, one TCP connection away, with nothing between. */
export async function startDirect(): Promise<TerminalHost> {
  const server = spawn(process.execPath, ['--conditions=@rstream/source', join(import.meta.dirname, 'direct-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  return {
    name: 'direct',
    pids: server.pid === undefined ? [] : [server.pid],
    async open() {
      const socket = connect({ port: Number(line.toString()), host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      return terminalOver(duplexTransport(socket), ['sh']);
    },
    close: () => void server.kill('SIGKILL'),
  };
}
