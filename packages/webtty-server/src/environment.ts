import { lstat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Account } from './account.ts';
import { standardPath } from './executable.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Names of the agent's own environment that commands inherit; everything else, credentials first, stays out. */
const inherited = new Set([
  'PATH',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'SystemRoot',
  'ComSpec',
  'PATHEXT',
  'TEMP',
  'TMP',
]);
/** What of these a login keeps: the rest belongs to the agent's own session. */
const keptAtLogin: ReadonlySet<string> = new Set(['PATH', 'LANG', 'LANGUAGE', 'TZ', 'SystemRoot', 'ComSpec', 'PATHEXT']);
/** A local socket answers at once or not at all. */
const LIVE_MS = 500;

/** Environment that commands start with: path, locale, time zone and account, nothing else of `source`. */
export function baseEnvironment(source: Environment, account: Account): Record<string, string> {
  const base: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) {
    if (value !== undefined && (inherited.has(name) || name.startsWith('LC_'))) base[name] = value;
  }
  return { PATH: standardPath, ...base, ...accountEnvironment(account) };
}

function accountEnvironment({ home, user, shell }: Account): Record<string, string> {
  return { HOME: home, SHELL: shell, ...(user === '' ? {} : { USER: user, LOGNAME: user }) };
}

/**
 * Environment that commands start with in an account of its own: path, locale and time zone of `base`, the account, and what of
 * its session the system keeps for it.
 */
export async function loginEnvironment(base: Environment, account: Account): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && isKeptAtLogin(name)) environment[name] = value;
  }
  return { PATH: standardPath, ...environment, ...accountEnvironment(account), ...(await sessionEnvironment(account.uid)) };
}

function isKeptAtLogin(name: string): boolean {
  // macOS has a directory for temporary files per account, and there only this process's own account can be had.
  return keptAtLogin.has(name) || name.startsWith('LC_') || (process.platform === 'darwin' && name === 'TMPDIR');
}

async function sessionEnvironment(uid: number): Promise<Record<string, string>> {
  if (process.platform !== 'linux') return {};
  const directory = `/run/user/${uid}`;
  const found = await lstat(directory).catch(() => undefined);
  // Somebody else's directory there would hand out somebody else's session.
  if (found?.isDirectory() !== true || found.uid !== uid) return {};
  const bus = `${directory}/bus`;
  return { XDG_RUNTIME_DIR: directory, ...((await isLive(bus)) ? { DBUS_SESSION_BUS_ADDRESS: `unix:path=${bus}` } : {}) };
}

/** True when something listens on this socket. */
function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (live: boolean): void => {
      socket.destroy();
      resolve(live);
    };
    socket.setTimeout(LIVE_MS, () => settle(false));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

export interface EnvironmentChange {
  readonly set: readonly { readonly key: string; readonly value: string }[];
  readonly unset: readonly string[];
  /** Keep only what a program needs to start: path and account. */
  readonly clean: boolean;
}

/** The environment of one command. Which names may be set was decided before. */
export function commandEnvironment(base: Environment, account: Account, change: EnvironmentChange): Record<string, string> {
  const environment: Record<string, string> = {};
  const from = change.clean ? { PATH: base['PATH'], ...accountEnvironment(account) } : base;
  for (const [name, value] of Object.entries(from)) if (value !== undefined) environment[name] = value;
  for (const name of change.unset) delete environment[name];
  for (const { key, value } of change.set) environment[key] = value;
  return environment;
}
