import { RstreamError } from '@rstream/protocol';
import { findAccount, groupsOf, type Account, type SystemAccount } from './account.ts';
import { askSystem } from './ask-program.ts';
import { findExecutable, standardPath } from './executable.ts';
import { allowsUser, denied, type CommandPolicy } from './policy.ts';

/** `spawn`: commands are children of the agent with its identity. `login`: they belong to an account and start with its clean environment. */
export type ExecutionMode = 'spawn' | 'login';

/** How the operator sets the accounts of commands. */
export interface AccountSettings {
  /** Default `spawn`. */
  readonly executionMode?: ExecutionMode | undefined;
  /** Account of every command that names none; `login` only. */
  readonly loginUser?: string | undefined;
  /** Clients may name an account that `policy.users` lists; `login` only. */
  readonly allowClientUser?: boolean | undefined;
}

/** What a command runs as. */
export interface RunAs extends Account {
  /** True: the environment is the account's own, and of the client's variables only harmless ones are taken unless the policy lists them. */
  readonly login: boolean;
  /**
   * Words in front of the program that make it the account's: the last one is `env`, which then takes `--chdir=`. Empty: the
   * identity of this process.
   */
  readonly entry: readonly string[];
}

/** The accounts of a device, made by {@link resolveAccounts}. */
export interface Accounts {
  readonly mode: ExecutionMode;
  readonly fixed: RunAs | undefined;
  readonly allowClientUser: boolean;
}

/** What a client asked for: a name, a uid, or neither. */
export interface AskedUser {
  readonly name?: string | undefined;
  readonly id?: number | undefined;
}

const unusable = (message: string, next?: string): RstreamError =>
  new RstreamError('ERR_RSTREAM_LOGIN_USER', message, next === undefined ? {} : { next });

/**
 * Finds the fixed account and enters it once, so that a device that cannot become it does not start.
 *
 * @throws RstreamError `ERR_RSTREAM_LOGIN_USER`.
 */
export async function resolveAccounts({
  executionMode: mode = 'spawn',
  loginUser,
  allowClientUser = false,
}: AccountSettings): Promise<Accounts> {
  if (mode === 'spawn') {
    if (loginUser === undefined && !allowClientUser) return { mode, fixed: undefined, allowClientUser };
    throw unusable('The execution mode spawn knows one account, its own.', 'Set the execution mode login, or leave the accounts out.');
  }
  if (loginUser === undefined) {
    if (allowClientUser) return { mode, fixed: undefined, allowClientUser };
    throw unusable('The execution mode login needs an account.', 'Set loginUser, allowClientUser or both.');
  }
  const account = await findAccount(loginUser);
  if (account === undefined) throw unusable(`There is no account "${loginUser}" on this device.`);
  return { mode, fixed: await loginAs(account), allowClientUser };
}

/** What a choice depends on. */
export interface Choice {
  /** What commands see of this process's account. */
  readonly account: Account;
  readonly accounts?: Accounts | undefined;
  readonly policy: CommandPolicy;
}

/** The account of one command. Throws `ERR_RSTREAM_COMMAND_UNSUPPORTED`, `ERR_RSTREAM_COMMAND_DENIED`. */
export async function chooseAccount({ account: own, accounts, policy }: Choice, asked: AskedUser): Promise<RunAs> {
  const unsupported = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_COMMAND_UNSUPPORTED', message);
  const fixed = accounts?.mode === 'login' ? accounts.fixed : { ...own, login: false, entry: [] };
  const who = asked.id ?? (asked.name === '' ? undefined : asked.name);
  if (fixed !== undefined && (who === undefined || who === (typeof who === 'number' ? fixed.uid : fixed.user))) return fixed;
  if (accounts?.mode !== 'login') throw unsupported("This device runs commands as the agent's own user only.");
  if (who === undefined) throw unsupported('This device needs to be told the account to run a command as.');
  if (!accounts.allowClientUser) throw unsupported('This device runs commands as one account only.');
  const account = await findAccount(who);
  // One answer for an account that is not there and one that is not for clients.
  if (account === undefined || !allowsUser(policy, account)) {
    throw denied('users', `The device has no account "${String(who).slice(0, 100)}" for clients.`);
  }
  try {
    return await loginAs(account);
  } catch (cause) {
    if (!RstreamError.is(cause)) throw cause;
    throw new RstreamError('ERR_RSTREAM_COMMAND_UNSUPPORTED', cause.message, { cause, next: cause.next });
  }
}

async function loginAs(account: SystemAccount): Promise<RunAs> {
  const entry = account.uid === process.getuid?.() ? [] : await entryOf(account);
  const { home, user, uid, shell } = account;
  return { home, user, uid, shell, login: true, entry };
}

/**
 * Node drops every supplementary group of a child whose uid it sets, and the terminal module leaves it those of this process,
 * which are root's. So another program changes the identity, and is tried before it is relied on.
 */
async function entryOf(account: SystemAccount): Promise<readonly string[]> {
  const { user, uid, gid } = account;
  if (process.getuid?.() !== 0) throw unusable(`Only an agent that runs as root can run commands as ${user}.`);
  const groups = await groupsOf(account);
  if (groups === undefined) throw unusable(`The groups of ${user} cannot be told.`);
  const setpriv = await programOf('setpriv', 'util-linux');
  const env = await programOf('env', 'coreutils');
  const entry = [setpriv, `--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups.join(',')}`, '--inh-caps=-all', '--', env];
  const { code, output } = await askSystem([...entry, '--chdir=/', 'sh', '-c', 'id -u; id -g; id -G']);
  const lines = code === 0 ? output.trim().split('\n') : [];
  const entered = new Set(lines[2]?.split(' ').map(Number));
  const inGroups = entered.size === groups.length && groups.every((group) => entered.has(group));
  if (lines[0] !== `${uid}` || lines[1] !== `${gid}` || !inGroups) {
    throw unusable(`The identity of ${user} could not be taken: setpriv of util-linux and env of coreutils do that.`);
  }
  return entry;
}

async function programOf(name: string, origin: string): Promise<string> {
  try {
    return await findExecutable(name, '/', standardPath);
  } catch {
    throw unusable(`Running commands as another account needs ${name} of ${origin}, on Linux.`);
  }
}
