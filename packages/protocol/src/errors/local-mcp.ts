import type { ErrorEntry } from './error.ts';

/** Errors of the MCP tools. */
export const mcpErrors = {
  ERR_RSTREAM_CONFIRMATION_REQUIRED: {
    about: 'This changes or spends something and was not confirmed.',
    next: 'Ask the user, then call again with the confirmation from the plan.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
