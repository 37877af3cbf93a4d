import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { provide } from '@rstream/interop/provide';
import { freePort } from '@rstream/testkit';
import { buildServer } from './build.ts';
import { listening } from '../listening.ts';

/** A WebDAV server that is measured, over a root of its own. */
export interface FileServer {
  readonly name: string;
  /** Address of the root, without a slash at its end. */
  readonly url: string;
  readonly root: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pid: number | undefined;
  /** Longest time that its event loop was held since the last call, ms; where it has one. */
  loopDelay?(): Promise<number>;
  close(): void;
}

/** Most memory that a process and its children held, in MB; the sum of them. */
export function peakMemory(pid: number): number {
  const field = (id: number): number => Number(/^VmHWM:\s+(\d+)/m.exec(statusOf(id))?.[1] ?? 0) / 1024;
  const children = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && new RegExp(`^PPid:\\s+${pid}$`, 'm').test(statusOf(Number(name))),
  );
  return [pid, ...children.map(Number)].reduce((sum, id) => sum + field(id), 0);
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

function newRoot(folder: string, name: string): string {
  const root = join(folder, name);
  mkdirSync(root);
  chmodSync(root, 0o777);
  return root;
}

/** The sidecar in a process of its own, bundled as the agent is. */
export async function startSidecar(folder: string): Promise<FileServer> {
  const root = newRoot(folder, 'sidecar');
  const child = spawn(process.execPath, [await buildServer(folder), root], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  const port = await line();
  return {
    name: 'sidecar',
    url: `http://127.0.0.1:${port}/fs`,
    root,
    pid: child.pid,
    async loopDelay() {
      child.stdin.write('\n');
      return Number(await line());
    },
    close: () => void child.kill(),
  };
}

/** Apache with mod_dav, without links, as an account that is not root. */
export async function startApache(folder: string): Promise<FileServer> {
  const apache = provide('apache2');
  const root = newRoot(folder, 'apache');
  const state = newRoot(folder, 'apache-state');
  const port = await freePort();
  const modules = ['mpm_event', 'authz_core', 'mime', 'dav', 'dav_fs'];
  const config = join(folder, 'apache.conf');
  const lines = [
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    'ServerName localhost',
    `Listen 127.0.0.1:${port}`,
    `PidFile ${state}/pid`,
    `ErrorLog ${state}/errors`,
    `DocumentRoot ${root}`,
    `DavLockDB ${state}/locks`,
    'TypesConfig /etc/mime.types',
    'MaxKeepAliveRequests 0',
    'LimitRequestBody 0',
    ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
    `<Directory ${root}>`,
    'Dav On',
    'Options None',
    'Require all granted',
    '</Directory>',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const child = spawn(apache, ['-D', 'FOREGROUND', '-f', config], { stdio: 'ignore' });
  await listening(port);
  return { name: 'Apache mod_dav', url: `http://127.0.0.1:${port}`, root, pid: child.pid, close: () => void child.kill() };
}

/** rclone with a folder behind it. */
export async function startRclone(folder: string): Promise<FileServer> {
  const root = newRoot(folder, 'rclone');
  const port = await freePort();
  const child: ChildProcess = spawn(provide('rclone'), ['serve', 'webdav', root, '--addr', `127.0.0.1:${port}`], {
    env: { ...process.env, RCLONE_CONFIG: join(folder, 'rclone.conf') },
    stdio: 'ignore',
  });
  child.on('error', () => undefined);
  await Promise.race([listening(port), once(child, 'exit')]);
  return { name: 'rclone serve webdav', url: `http://127.0.0.1:${port}`, root, pid: child.pid, close: () => void child.kill() };
}
