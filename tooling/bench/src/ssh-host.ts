import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provide } from '@rstream/interop/provide';
import { freePort } from '@rstream/testkit';

const run = promisify(execFile);

/** An OpenSSH server on loopback with one kept client connection: the peer for "run a command over there". */
export interface SshHost {
  /** Arguments that run `command` there, to be given to `ssh`. */
  argv(command: readonly string[]): string[];
  readonly ssh: string;
  run(command: readonly string[]): Promise<void>;
  close(): void;
}

export async function startSshHost(folder: string): Promise<SshHost> {
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
  await accepting(port);
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', `ControlPath=${keys}/control`].flatMap(
    (option) => ['-o', option],
  );
  const common = [...options, '-p', String(port), '-i', join(keys, 'user')];
  const target = `${userInfo().username}@127.0.0.1`;
  const master = spawn(ssh, [...common, '-M', '-N', target], { stdio: 'ignore' });
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
    run: async (command) => {
      await run(ssh, argv(command), { maxBuffer: 1 << 30 });
    },
    close: () => {
      master.kill();
      sshd.kill();
    },
  };
}

async function accepting(port: number): Promise<void> {
  const deadline = performance.now() + 15_000;
  const accepts = (): Promise<boolean> =>
    new Promise((done) => {
      const socket = connect(port, '127.0.0.1')
        .on('connect', () => {
          socket.destroy();
          done(true);
        })
        .on('error', () => setTimeout(done, 20, false));
    });
  while (!(await accepts())) if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`);
}
