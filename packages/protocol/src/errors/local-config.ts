import type { ErrorEntry } from './error.ts';

/** Errors of \`config\`: the configuration file and its contexts. */
export const configErrors = {
  ERR_RSTREAM_CONFIG_INVALID: {
    about: 'The configuration file cannot be understood.',
    next: 'Correct the line that the message names.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
