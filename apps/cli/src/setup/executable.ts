import { constants, accessSync, realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { usage } from '../option.ts';

/** How a client starts `rstream mcp serve`. */
export interface LaunchCommand {
  /** Absolute path. */
  readonly command: string;
  readonly args: readonly string[];
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Absolute path of a program: a path as it is, a name by PATH. */
export function findExecutable(name: string): string | undefined {
  if (isAbsolute(name) || name.includes('/')) {
    const path = resolve(name);
    return isExecutable(path) ? path : undefined;
  }
  const endings = process.platform === 'win32' ? ['.cmd', '.exe', ''] : [''];
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => endings.map((ending) => join(resolve(folder), name + ending))).find(isExecutable);
}

/**
 * The command to store in a client's configuration. It has to outlive upgrades: the installed `rstream` on PATH, the launcher of a
 * checkout, or else this very Node with this very script.
 * @param given `--command`
 */
export function launchCommand(given: string | undefined): LaunchCommand {
  const serve = ['mcp', 'serve'];
  if (given !== undefined) {
    const command = findExecutable(given);
    if (command === undefined) throw usage(`--command "${given}" is not an executable file.`);
    return { command, args: serve };
  }
  const script = realpathSync(process.argv[1] ?? '');
  const installed = findExecutable('rstream');
  if (installed !== undefined && leadsTo(installed, script)) return { command: installed, args: serve };
  const launcher = checkoutLauncher(script);
  if (launcher !== undefined) return { command: launcher, args: serve };
  return { command: process.execPath, args: [...process.execArgv, script, ...serve] };
}

/** npm links the name to the script; on Windows, and for a checkout, a small file beside it does. */
function leadsTo(installed: string, script: string): boolean {
  const target = realpathSync(installed);
  return target === script || target === checkoutLauncher(script);
}

/** `bin/rstream` of the checkout that the script is part of. */
function checkoutLauncher(script: string): string | undefined {
  const app = dirname(dirname(script));
  const launcher = join(dirname(dirname(app)), 'bin', 'rstream');
  // The folder `apps` tells a checkout from an installation, beside which there may be a `bin` of somebody else.
  return basename(dirname(app)) === 'apps' && isExecutable(launcher) ? launcher : undefined;
}

/** Shell form of a command for messages; never holds environment values. */
export function commandLine({ command, args }: LaunchCommand): string {
  return [command, ...args].map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`)).join(' ');
}
