import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provide } from '@rstream/interop/provide';
import { freePort } from '@rstream/testkit';
import { listening } from './listening.ts';

const run = promisify(execFile);

/** An OpenSSH server on loopback with one kept client connection: the peer for "run a command over there". */
export interface SshHost {
  /** Arguments that run `command` there, to be given to `ssh`. */
  argv(command: readonly string[]): string[];
  readonly ssh: string;
  run(command: readonly string[]): Promise<void>;
  /** The server and the kept client. */
  readonly pids: readonly number[];
  close(): void;
}

/** `clientArgs` go to the kept client: a remote forward, for example. */
export async function startSshHost(folder: string, clientArgs: readonly string[] = []): Promise<SshHost> {
  const port = await freePort();
  const keys = join(folder, 'ssh-host');
  mkdirSync(keys, { mode: 0o700 });
  for (const name of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(keys, name)]);
  execFileSync('cp', [join(keys, 'user.pub'), join(keys, 'authorized')]);
  mkdirSync('/run/sshd', { recursive: true });
  writeFileSync(
    join(keys, 'sshd_config'),
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${keys}/host\nAuthorizedKeysFile ${keys}/authorized\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile ${keys}/pid\n`,
  );
  const ssh = provide('ssh');
  const sshd: ChildProcess = spawn(provide('sshd'), ['-D', '-q', '-f', join(keys, 'sshd_config')], { stdio: 'ignore' });
  await listening(port);
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ExitOnForwardFailure=yes',
    `ControlPath=${keys}/control`,
  ].flatMap((option) => ['-o', option]);
  const common = [...options, '-p', String(port), '-i', join(keys, 'user')];
  const target = `${userInfo().username}@127.0.0.1`;
  const master = spawn(ssh, [...common, '-M', '-N', ...clientArgs, target], { stdio: 'ignore' });
  const argv = (command: readonly string[]): string[] => [...common, target, ...command];
  const deadline = performance.now() + 15_000;
  for (;;) {
    const checked = await run(ssh, [...common, '-O', 'check', target]).then(
      () => true,
      () => false,
    );
    if (checked) break;
    if (performance.now() > deadline) throw new Error('ssh did not connect');
  }
  return {
    ssh,
    argv,
    pids: [sshd.pid, master.pid].filter((pid) => pid !== undefined),
    run: async (command) => {
      await run(ssh, argv(command), { maxBuffer: 1 << 30 });
    },
    close: () => {
      master.kill();
      sshd.kill();
    },
  };
}
