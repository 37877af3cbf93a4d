import type { ErrorEntry } from './error.ts';

/** Errors of the command line. */
export const cliErrors = {
  ERR_RSTREAM_USAGE: {
    about: 'The command line is not valid.',
    next: 'Run the command with --help.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
