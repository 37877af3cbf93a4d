import type { ErrorEntry } from './error.ts';

/** Errors of \`auth-tokens\`: minting and verifying. */
export const tokenErrors = {
  ERR_RSTREAM_TOKEN_INVALID: {
    about: 'The token is not one that this key set made.',
    next: 'Create a new token.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
