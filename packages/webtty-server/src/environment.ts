import { userInfo } from 'node:os';

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
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The account whose environment commands start with. */
export interface Account {
  readonly home: string;
  readonly user: string;
  readonly uid: number;
  readonly shell: string;
}

/** The account that this process runs as. */
export function ownAccount(): Account {
  try {
    const { homedir, username, uid, shell } = userInfo();
    return { home: homedir, user: username, uid, shell: shell ?? '/bin/sh' };
  } catch {
    // A container may run as a uid that no account has.
    return { home: '/', user: '', uid: process.getuid?.() ?? -1, shell: '/bin/sh' };
  }
}

/** Environment that commands start with: path, locale, time zone and account, nothing else of `source`. */
export function baseEnvironment(source: Environment, account: Account): Record<string, string> {
  const base: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) {
    if (value !== undefined && (inherited.has(name) || name.startsWith('LC_'))) base[name] = value;
  }
  return { PATH: DEFAULT_PATH, ...base, ...accountEnvironment(account) };
}

function accountEnvironment({ home, user, shell }: Account): Record<string, string> {
  return { HOME: home, SHELL: shell, ...(user === '' ? {} : { USER: user, LOGNAME: user }) };
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
