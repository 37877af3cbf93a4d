import { RstreamError } from '@rstream/protocol';
import type { RunAs } from './run-as.ts';

/** What is handed to the system: the program of a plan, or the one that takes an identity and then becomes it. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  /** Undefined: the program is told its file. */
  readonly argv0: string | undefined;
  readonly cwd: string;
  /** Whose the terminal is; undefined: this process's. */
  readonly uid: number | undefined;
}

/** The parts of a plan that say what to start. */
export interface Launched {
  readonly file: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly account: RunAs;
}

/** How to start a planned command. Throws `ERR_RSTREAM_COMMAND_NOT_EXECUTABLE`. */
export function launchOf({ file, argv, cwd, account }: Launched): Launch {
  const args = argv.slice(1);
  const [entry, ...words] = account.entry;
  if (entry === undefined) return { file, args, argv0: argv[0], cwd, uid: undefined };
  // env takes such a word for a variable.
  if (file.includes('=')) throw new RstreamError('ERR_RSTREAM_COMMAND_NOT_EXECUTABLE', 'The path of the program has "=" in it.');
  // The directory is entered by the account, not by us: what it cannot reach stays out of its reach.
  return { file: entry, args: [...words, `--chdir=${cwd}`, file, ...args], argv0: undefined, cwd: '/', uid: account.uid };
}
