import { realpath } from 'node:fs/promises';
import { basename, isAbsolute, normalize, relative, sep } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import type { ApprovalHook } from './approval.ts';
import { isLiteral, matchesArgv, matchesGlob, type ArgvPattern } from './glob.ts';

/** What clients may do on this device. An empty policy allows every command and no dangerous variable. */
export interface CommandPolicy {
  /** When given, only commands that match one of these run. */
  readonly allow?: readonly ArgvPattern[] | undefined;
  /** Commands that never run, also when `allow` matches. Names are hard to deny fully: prefer `allow`. */
  readonly deny?: readonly ArgvPattern[] | undefined;
  /** Directories that a working directory must be in, after links are resolved. Anywhere when absent. */
  readonly cwdRoots?: readonly string[] | undefined;
  /**
   * Globs of variable names that clients may set. When absent: locale, time zone and the like if `allow` is given or the account
   * has an environment of its own, else every name that does not change which code a program loads.
   */
  readonly env?: readonly string[] | undefined;
  /**
   * Globs of accounts that clients may name where the device lets them. None when absent; an account with uid 0 only when its name is
   * listed as it is.
   */
  readonly users?: readonly string[] | undefined;
  /** Running time in ms of one command; a client may ask for less. */
  readonly maxDurationMs?: number | undefined;
  /** A session without input and output for this many ms is ended. */
  readonly maxIdleMs?: number | undefined;
  /** Bytes of each output stream that are forwarded; the rest is counted and dropped. */
  readonly maxOutputBytes?: number | undefined;
  /**
   * Offers terminals, and the account's login shell to who names no command. Default false. With an `allow` list the shell must
   * be in it, by its name or path without arguments; whoever has a shell can run anything.
   */
  readonly terminal?: boolean | undefined;
  /** Terminals take no input: viewers look, and the owner may end them. */
  readonly readOnlyTerminal?: boolean | undefined;
  /** A program of the device that is asked before a command starts, or before a terminal takes input. */
  readonly approve?: ApprovalHook | undefined;
}

/**
 * What decided that a command may run: `default` (there is no `allow` list), `allow[N]` (its entry N, from 0), or `approved` (one of
 * these, and then the approval program).
 */
export type Decision = 'default' | `allow[${number}]` | 'approved';

/** What decided that it may not: an entry of `deny`, no entry of `allow`, another key of the policy, or the approval program. */
export type DeniedBy = `deny[${number}]` | 'allow' | 'env' | 'cwdRoots' | 'users' | 'approve';

/** An `ERR_RSTREAM_COMMAND_DENIED` that remembers the rule; {@link deniedBy} tells it. */
export function denied(rule: DeniedBy, message: string): RstreamError {
  return new RstreamError('ERR_RSTREAM_COMMAND_DENIED', message, { details: { rule } });
}

/** The rule behind a denial, for the audit line; undefined for any other error. */
export function deniedBy(error: RstreamError): DeniedBy | undefined {
  return error.code === 'ERR_RSTREAM_COMMAND_DENIED' ? (error.details?.['rule'] as DeniedBy | undefined) : undefined;
}

/** A command as the client gave it, and the program that it means. */
export interface FoundCommand {
  readonly argv: readonly string[];
  /** Absolute path of the program. */
  readonly file: string;
  /** False: a search path of the client's found it, so its bare name says nothing. */
  readonly byOwnPath: boolean;
}

/** Throws `ERR_RSTREAM_COMMAND_DENIED` unless the policy lets this command run; returns what decided. */
export async function decideArgv(policy: CommandPolicy, command: FoundCommand): Promise<Decision> {
  const [program = '', ...rest] = command.argv;
  if (policy.deny !== undefined) {
    const spellings = await spellingsOf(program, command.file);
    const index = policy.deny.findIndex((pattern) => spellings.some((spelling) => matchesArgv(pattern, [spelling, ...rest])));
    if (index >= 0) throw denied(`deny[${index}]`, 'The device denies this command.');
  }
  if (policy.allow === undefined) return 'default';
  const index = policy.allow.findIndex(
    (pattern) => matchesArgv(pattern, [command.file, ...rest]) || (matchesArgv(pattern, command.argv) && isPlain(command, pattern[0])),
  );
  if (index < 0) throw denied('allow', 'This command is not in the list of commands that the device allows.');
  return `allow[${index}]`;
}

/** Every name under which a program is denied: as given, as found, and as what a link leads to. */
async function spellingsOf(program: string, file: string): Promise<readonly string[]> {
  const real = await realpath(file).catch(() => file);
  return [...new Set([program, file, real].flatMap((path) => [path, basename(path)]))];
}

/**
 * True when the word as given may stand for the program: a bare name that the device's own path found, or a path without detours,
 * because a star in a pattern also matches `/../`. Only the words as given count for `allow`: "git" must not let "/tmp/git" run.
 */
function isPlain({ argv: [program = ''], byOwnPath }: FoundCommand, listed = ''): boolean {
  if (!program.includes('/')) return byOwnPath;
  if (isLiteral(listed, program)) return true;
  const path = program.startsWith('./') ? program.slice(2) : program;
  return normalize(path) === path && path.split('/')[0] !== '..';
}

/** True when clients may name this account. */
export function allowsUser({ users = [] }: CommandPolicy, { user, uid }: { readonly user: string; readonly uid: number }): boolean {
  return users.some((pattern) => (uid === 0 ? isLiteral(pattern, user) : matchesGlob(pattern, user)));
}

/** Throws `ERR_RSTREAM_COMMAND_DENIED` unless `real`, a directory without links, is inside one of the roots. */
export async function assertDirectory({ cwdRoots }: CommandPolicy, real: string): Promise<void> {
  if (cwdRoots === undefined) return;
  for (const root of cwdRoots) {
    const inside = relative(await realpath(root).catch(() => root), real);
    if (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) return;
  }
  throw denied('cwdRoots', 'The device does not let commands start in that directory.');
}
