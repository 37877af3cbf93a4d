import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { provide } from '@rstream/interop/provide';
import { freePort, ProcessWorld, startForward } from '@rstream/testkit';
import { listening } from '../listening.ts';
import { startSshHost } from '../ssh-host.ts';

/** One way to reach the origin. */
export interface Peer {
  readonly name: string;
  readonly port: number;
  readonly host: string;
  /** Processes that the path costs; the origin and the load tool are not among them. */
  readonly pids: readonly number[];
}

export interface Peers {
  readonly peers: readonly Peer[];
  readonly absent: readonly string[];
  readonly world: ProcessWorld;
  close(): Promise<void>;
}

const BIG_BYTES = 64 * 1024 * 1024;
const children: ChildProcess[] = [];
const endings: Array<() => void> = [];

function background(file: string, args: readonly string[]): ChildProcess & { pid: number } {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  if (child.pid === undefined) throw new Error(`${file} did not start`);
  return child as ChildProcess & { pid: number };
}

async function nginx(folder: string, name: string, location: string, upstream = ''): Promise<{ port: number; pid: number }> {
  const port = await freePort();
  const home = join(folder, name);
  mkdirSync(home, { recursive: true });
  chmodSync(home, 0o755);
  const file = join(home, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${home}/pid; error_log stderr crit; user ${userInfo().username};
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/f; uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  ${upstream}
  server { listen 127.0.0.1:${port}; ${location} }
}`,
  );
  const { pid } = background(provide('nginx'), ['-c', file, '-p', home]);
  await listening(port);
  return { port, pid };
}

async function sshReverse(folder: string, origin: number): Promise<Peer> {
  const port = await freePort();
  const host = await startSshHost(folder, ['-R', `127.0.0.1:${port}:127.0.0.1:${origin}`]);
  await listening(port);
  endings.push(() => host.close());
  return { name: 'ssh -R', port, host: '127.0.0.1', pids: host.pids };
}

async function goRelay(folder: string, origin: number): Promise<Peer> {
  const binary = join(folder, 'go-relay');
  execFileSync(provide('go'), ['build', '-o', binary, '.'], { cwd: resolve(import.meta.dirname, '../../go-relay'), stdio: 'pipe' });
  const [port, agentPort] = [await freePort(), await freePort()];
  const relay = background(binary, ['relay', `127.0.0.1:${port}`, `127.0.0.1:${agentPort}`]);
  await listeningOnce(agentPort, relay);
  const agent = background(binary, ['agent', `127.0.0.1:${agentPort}`, `127.0.0.1:${origin}`]);
  await listening(port);
  return { name: 'Go yamux relay', port, host: '127.0.0.1', pids: [relay.pid, agent.pid] };
}

/** The relay takes its first agent connection for the session, so its agent port must not be probed: look into /proc instead. */
async function listeningOnce(port: number, owner: ChildProcess): Promise<void> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  const deadline = performance.now() + 15_000;
  while (!readFileSync('/proc/net/tcp', 'utf8').includes(wanted)) {
    if (owner.exitCode !== null || performance.now() > deadline) throw new Error(`nothing listens on ${port}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function nodeProxy(origin: number): Promise<Peer> {
  const port = await freePort();
  const { pid } = background(process.execPath, [join(import.meta.dirname, 'node-proxy.ts'), String(port), String(origin)]);
  await listening(port);
  return { name: 'http-proxy-3', port, host: '127.0.0.1', pids: [pid] };
}

/** Boots the origin, ourselves and every peer that can be had. */
export async function startPeers(): Promise<Peers> {
  const world = await ProcessWorld.start();
  const { folder } = world;
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'big'), Buffer.alloc(BIG_BYTES, 'rstream '));
  chmodSync(join(folder, 'big'), 0o644);
  const small = 'x'.repeat(66);
  const origin = await nginx(
    folder,
    'origin',
    `location = /s { default_type text/plain; return 200 "${small}"; } location = /big { alias ${folder}/big; }`,
  );
  const absent: string[] = [];
  const peers: Peer[] = [{ name: 'direct', port: origin.port, host: '127.0.0.1', pids: [] }];

  const forward = await startForward(world, origin.port, ['--name', 'bench', '--http']);
  peers.push({ name: 'rstream', port: world.port, host: new URL(forward.url).host, pids: [world.ready.pid, forward.child.pid] });
  const proxied = 'location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on; }';
  const candidates: ReadonlyArray<readonly [string, () => Promise<Peer>]> = [
    ['Go yamux relay', () => goRelay(folder, origin.port)],
    [
      'nginx proxy_pass',
      async () => {
        const proxy = await nginx(
          folder,
          'proxy',
          proxied,
          `upstream origin { server 127.0.0.1:${origin.port}; keepalive 256; keepalive_requests 1000000000; }`,
        );
        return { name: 'nginx proxy_pass', port: proxy.port, host: '127.0.0.1', pids: [proxy.pid] };
      },
    ],
    ['ssh -R', () => sshReverse(folder, origin.port)],
    ['http-proxy-3', () => nodeProxy(origin.port)],
  ];
  for (const [name, begin] of candidates) {
    try {
      peers.push(await begin());
    } catch (error) {
      absent.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const close = async (): Promise<void> => {
    for (const end of endings.splice(0)) end();
    for (const child of children.splice(0).toReversed()) child.kill('SIGTERM');
    await world.close();
  };
  return { peers, absent, world, close };
}
