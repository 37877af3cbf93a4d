import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { askSystem } from './ask-program.ts';

/** The account whose home and name commands see. */
export interface Account {
  readonly home: string;
  readonly user: string;
  readonly uid: number;
  readonly shell: string;
}

/** An account of the machine's user database. */
export interface SystemAccount extends Account {
  readonly gid: number;
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

/** The same, for a system that keeps no accounts where they can be asked for. */
function ownSystemAccount(): SystemAccount | undefined {
  const gid = process.getgid?.();
  const own = ownAccount();
  return gid === undefined || own.user === '' ? undefined : { ...own, gid };
}

/** Names that the lookup takes: none reads as an option, as a path or as a line of its own. */
const ACCOUNT_NAME = /^[^-:/\p{Cc}\s][^:/\p{Cc}\s]{0,255}$/u;

/** The account with this name or uid; undefined when there is none. Asks the machine's name service, or the file where it has none. */
export async function findAccount(who: string | number): Promise<SystemAccount | undefined> {
  if (typeof who === 'string' && !ACCOUNT_NAME.test(who)) return undefined;
  const own = ownSystemAccount();
  if (own !== undefined && who === (typeof who === 'number' ? own.uid : own.user)) return own;
  const { code, output } = await askSystem(['getent', 'passwd', String(who)]);
  // 2: the name service works and knows no such account. Anything else but 0: there is no such program here.
  const lines = code === 0 || code === 2 ? output : await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const line of lines.split('\n')) {
    const account = parsePasswdLine(line);
    // A name of digits is looked up as a uid by getent: what comes back must be what was asked for.
    if (account !== undefined && (typeof who === 'number' ? account.uid === who : account.user === who)) return account;
  }
  return undefined;
}

/** Reads a line of passwd(5); undefined when it is none. */
export function parsePasswdLine(line: string): SystemAccount | undefined {
  const [user = '', , uid = '', gid = '', , home = '', shell = '', ...rest] = line.split(':');
  if (user === '' || !/^\d+$/.test(uid) || !/^\d+$/.test(gid) || rest.length > 0) return undefined;
  return {
    user,
    uid: Number(uid),
    gid: Number(gid),
    home: home === '' ? '/' : home,
    shell: shell.trim() === '' ? '/bin/sh' : shell.trim(),
  };
}

/** Every group of an account by number, its own first. */
export async function groupsOf({ user, gid }: SystemAccount): Promise<readonly number[] | undefined> {
  const { code, output } = await askSystem(['id', '-G', '--', user]);
  const words = code === 0 ? output.trim().split(/\s+/) : [];
  if (words.length === 0 || !words.every((word) => /^\d+$/.test(word))) return undefined;
  return [...new Set([gid, ...words.map(Number)])];
}
