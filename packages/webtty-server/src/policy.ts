import { realpath } from 'node:fs/promises';
import { basename, isAbsolute, relative } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { matchesArgv, matchesGlob, type ArgvPattern } from './glob.ts';

/** What clients may do on this device. An empty policy allows every command and no dangerous variable. */
export interface CommandPolicy {
  /** When given, only commands that match one of these run. */
  readonly allow?: readonly ArgvPattern[] | undefined;
  /** Commands that never run, also when `allow` matches. Names are hard to deny fully: prefer `allow`. */
  readonly deny?: readonly ArgvPattern[] | undefined;
  /** Directories that a working directory must be in, after links are resolved. Anywhere when absent. */
  readonly cwdRoots?: readonly string[] | undefined;
  /**
   * Globs of variable names that clients may set. When absent: locale, time zone and the like if `allow` is given, else every
   * name that does not change which code a program loads.
   */
  readonly env?: readonly string[] | undefined;
  /** Running time in ms of one command; a client may ask for less. */
  readonly maxDurationMs?: number | undefined;
  /** Bytes of each output stream that are forwarded; the rest is counted and dropped. */
  readonly maxOutputBytes?: number | undefined;
  /**
   * Offers terminals, and the account's login shell to who names no command. Default false. With an `allow` list the shell must
   * be in it, by its name or path without arguments; whoever has a shell can run anything.
   */
  readonly terminal?: boolean | undefined;
}

/**
 * Names that make a program load other code or read other files than the policy saw: the search path, loader and interpreter
 * hooks, shell start-up files and word splitting. Taken only when the policy lists the exact name.
 */
const dangerousNames: readonly string[] = [
  'PATH',
  'LD_*',
  'DYLD_*',
  'GCONV_PATH',
  'NODE_OPTIONS',
  'NODE_PATH',
  'BASH_ENV',
  'BASH_FUNC_*',
  'ENV',
  'IFS',
  'SHELLOPTS',
  'BASHOPTS',
  'PS4',
  'PROMPT_COMMAND',
  'PYTHON*',
  'PERL5*',
  'PERLLIB',
  'RUBYOPT',
  'RUBYLIB',
  'JAVA_TOOL_OPTIONS',
  '_JAVA_OPTIONS',
  'JDK_JAVA_OPTIONS',
  'GIT_SSH*',
  'GIT_EXEC_PATH',
  'GIT_CONFIG*',
  'GIT_EXTERNAL_DIFF',
  'GIT_PROXY_COMMAND',
  'GIT_ASKPASS',
  'SSH_ASKPASS',
  'LESSOPEN',
];

/**
 * What a client may set when the policy lists commands but no variables: with a fixed list of commands, a variable such as
 * PAGER or EDITOR would be a way to run another one.
 */
const harmlessNames: readonly string[] = ['LANG', 'LANGUAGE', 'LC_*', 'TZ', 'TERM', 'NO_COLOR', 'FORCE_COLOR', 'COLUMNS', 'LINES'];

const denied = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_COMMAND_DENIED', message);

/** Throws `ERR_RSTREAM_COMMAND_DENIED` unless the policy lets a client set this variable. */
export function assertEnvName(policy: CommandPolicy, name: string): void {
  if (policy.env?.includes(name) === true) return;
  const dangerous = dangerousNames.some((pattern) => matchesGlob(pattern, name.toUpperCase()));
  const names = policy.env ?? (policy.allow === undefined ? ['*'] : harmlessNames);
  if (dangerous || !names.some((pattern) => matchesGlob(pattern, name)))
    throw denied(`The device does not let clients set the variable ${name.slice(0, 100)}.`);
}

/** Throws `ERR_RSTREAM_COMMAND_DENIED` unless the policy lets this command run. `file` is the program that `argv[0]` resolved to. */
export function assertArgv(policy: CommandPolicy, argv: readonly string[], file: string): void {
  const [program = '', ...rest] = argv;
  const spellings = new Set([program, basename(program), file, basename(file)]);
  for (const pattern of policy.deny ?? []) {
    for (const spelling of spellings) {
      if (matchesArgv(pattern, [spelling, ...rest])) throw denied('The device denies this command.');
    }
  }
  // Only the words as given count here: "git" must not let "/tmp/git" run. Its resolved path may be listed instead.
  const allowed = policy.allow?.some((pattern) => matchesArgv(pattern, argv) || matchesArgv(pattern, [file, ...rest]));
  if (allowed === false) throw denied('This command is not in the list of commands that the device allows.');
}

/** Throws `ERR_RSTREAM_COMMAND_DENIED` unless `directory` is inside one of the roots. */
export async function assertDirectory(policy: CommandPolicy, directory: string): Promise<void> {
  if (policy.cwdRoots === undefined) return;
  const real = await realpath(directory);
  for (const root of policy.cwdRoots) {
    const inside = relative(await realpath(root).catch(() => root), real);
    if (inside === '' || (!inside.startsWith('..') && !isAbsolute(inside))) return;
  }
  throw denied('The device does not let commands start in that directory.');
}
