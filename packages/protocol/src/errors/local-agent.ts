import type { ErrorEntry } from './error.ts';

/** Errors of the device agent. */
export const agentErrors = {
  ERR_RSTREAM_TOKEN_FILE_UNSAFE: {
    about: 'Other users can read the token file.',
    next: 'Run: chmod 600 on the token file.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
