import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian package of each command that an interop test or a benchmark uses. */
const packages: Readonly<Record<string, string>> = {
  apache2: 'apache2',
  cadaver: 'cadaver',
  chromium: 'chromium',
  curl: 'curl',
  go: 'golang-go',
  litmus: 'litmus',
  nginx: 'nginx-light',
  openssl: 'openssl',
  protoc: 'protobuf-compiler',
  rclone: 'rclone',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  unzip: 'unzip',
  wrk: 'wrk',
};
const extraFolders = ['/usr/sbin', '/usr/local/go/bin'];
const APT_TIMEOUT_MS = 240_000;

/** Full path of a command, or undefined. Servers live in `/usr/sbin`, which is not on every PATH. */
export function find(command: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), ...extraFolders]) {
    const file = join(folder, command);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Full path of a command; installs its Debian package first where that can be done. Throws a sentence that says what to install. */
export function provide(command: string): string {
  const present = find(command);
  if (present !== undefined) return present;
  const name = packages[command];
  if (name !== undefined) installPackage(name);
  const installed = find(command);
  if (installed === undefined) throw new Error(`this needs "${command}": install the package ${name ?? command} and run it again`);
  return installed;
}

/** Installs a Debian package where that can be done, and does nothing elsewhere. */
export function installPackage(name: string): void {
  if (process.getuid?.() !== 0 || find('apt-get') === undefined) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (args: string[]): Buffer => execFileSync('apt-get', args, { env, stdio: 'pipe', timeout: APT_TIMEOUT_MS });
  apt(['update', '-qq']);
  apt(['install', '-y', '-qq', '--no-install-recommends', name]);
}
