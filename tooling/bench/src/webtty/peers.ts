import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { find, provide } from '@rstream/interop/provide';
import { freePort } from '@rstream/testkit';
import { WebSocket } from 'ws';
import { listening } from '../listening.ts';
import type { SshHost } from '../ssh-host.ts';
import { SocketOutput } from './socket-output.ts';
import type { HostedTerminal, TerminalHost } from './terminal-host.ts';

const WETTY = 'wetty@3.2.0';
const INSTALL_TIMEOUT_MS = 300_000;

/** Builds gotty from the module proxy and starts it. */
export async function startGotty(folder: string): Promise<TerminalHost> {
  const binary = join(folder, 'gotty');
  const cwd = join(import.meta.dirname, 'gotty');
  execFileSync(provide('go'), ['build', '-o', binary, 'github.com/sorenisanerd/gotty'], {
    cwd,
    stdio: 'pipe',
    timeout: INSTALL_TIMEOUT_MS,
  });
  const port = await freePort();
  const server = spawn(binary, ['--address', '127.0.0.1', '--port', String(port), '--permit-write', '--quiet', 'sh'], {
    env: { ...process.env, HOME: folder },
    stdio: 'ignore',
  });
  await listening(port);
  return {
    name: 'gotty',
    pids: server.pid === undefined ? [] : [server.pid],
    open: () => openGotty(port),
    close: () => void server.kill(),
  };
}

async function openGotty(port: number): Promise<HostedTerminal> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'webtty', { perMessageDeflate: false });
  await once(socket, 'open');
  const output = new SocketOutput(socket);
  socket.on('message', (data: Buffer) => {
    if (data[0] === 0x31) output.push(Buffer.from(data.toString('latin1', 1), 'base64'));
  });
  socket.send(JSON.stringify({ Arguments: '', AuthToken: '' }));
  socket.send(`3${JSON.stringify({ columns: 80, rows: 24 })}`);
  return { output, write: (text) => socket.send(`1${text}`), close: () => socket.close() };
}

/** Installs wetty, its native part compiled against the headers of this Node, and starts it with a command in place of a login. */
export async function startWetty(folder: string): Promise<TerminalHost> {
  if (process.getuid?.() !== 0) throw new Error('it runs a command of its own only as root');
  const home = join(folder, 'wetty');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, 'include/node')) ? { npm_config_nodedir: prefix } : {};
  const npm = find('npm');
  if (npm === undefined) throw new Error('there is no npm');
  execFileSync(npm, ['install', WETTY, '--no-audit', '--no-fund'], {
    cwd: home,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, ...headers },
    stdio: 'pipe',
    timeout: INSTALL_TIMEOUT_MS,
  });
  const port = await freePort();
  const main = join(home, 'node_modules/wetty/build/main.js');
  const args = ['--host', '127.0.0.1', '--port', String(port), '--command', 'sh', '--log-level', 'error'];
  const server = spawn(process.execPath, [main, ...args], { env: { ...process.env, NODE_ENV: 'production' }, stdio: 'ignore' });
  await listening(port);
  return {
    name: 'wetty',
    pids: server.pid === undefined ? [] : [server.pid],
    open: () => openWetty(port),
    close: () => void server.kill(),
  };
}

/** wetty counts what its viewer has taken in steps of this. */
const WETTY_COMMIT = 262_144;

/** As much of socket.io as wetty uses: text packets, events as JSON arrays, pings. */
async function openWetty(port: number): Promise<HostedTerminal> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
  const emit = (...event: unknown[]): void => socket.send(`42${JSON.stringify(event)}`);
  let uncommitted = 0;
  const output = new SocketOutput(socket, (bytes) => {
    uncommitted += bytes;
    if (uncommitted < WETTY_COMMIT) return;
    emit('commit', uncommitted);
    uncommitted = 0;
  });
  const ready = Promise.withResolvers<void>();
  socket.on('error', ready.reject);
  socket.on('message', (data: Buffer) => {
    const packet = data.toString();
    if (packet.startsWith('0')) socket.send('40');
    else if (packet === '2') socket.send('3');
    else if (packet.startsWith('42')) {
      const [event, text] = JSON.parse(packet.slice(2)) as [string, string];
      if (event === 'data') output.push(Buffer.from(text));
      if (event === 'login') ready.resolve();
    }
  });
  await ready.promise;
  emit('resize', { cols: 80, rows: 24 });
  return { output, write: (text) => emit('input', text), close: () => socket.close() };
}

/** A terminal by `ssh -tt` on a kept connection. */
export function sshTerminals(host: SshHost): TerminalHost {
  return {
    name: 'ssh -tt',
    pids: host.pids,
    async open() {
      // Without a terminal here, ssh asks for one over there that neither echoes nor turns line feeds into line ends.
      const child = spawn(host.ssh, ['-tt', ...host.argv(['stty sane; exec sh'])], { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.on('error', () => undefined);
      await once(child, 'spawn');
      return { output: child.stdout, write: (text) => void child.stdin.write(text), close: () => void child.kill('SIGHUP') };
    },
    close: () => undefined,
  };
}
