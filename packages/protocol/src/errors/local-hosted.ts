import type { ErrorEntry } from './error.ts';

/** Errors of the hosted process. */
export const hostedErrors = {
  ERR_RSTREAM_HOSTED_CONFIG: {
    about: 'The hosted configuration is not valid.',
    next: 'Correct the setting that the message names; --check validates without starting.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
