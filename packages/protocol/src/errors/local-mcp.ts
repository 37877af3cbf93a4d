import type { ErrorEntry } from './entry.ts';

/** Errors of the MCP tools. */
export const mcpErrors = {
  ERR_RSTREAM_CONFIRMATION_REQUIRED: {
    about: 'This changes or spends something and was not confirmed.',
    next: 'Ask the user, then call again with the same arguments and the confirmation from the plan.',
  },
  ERR_RSTREAM_CONFIRMATION_DECLINED: {
    about: 'The user was asked and did not agree.',
    next: 'Do not try again unless the user asks for it.',
  },
  ERR_RSTREAM_CONFIRMATION_INVALID: {
    about: 'The confirmation is unknown, expired, already used, or belongs to other arguments.',
    next: 'Call again without it to get a new plan.',
  },
  ERR_RSTREAM_MCP_BUSY: {
    about: 'Too many tool calls are running and waiting.',
    next: 'Wait for some of them to finish, then call again.',
  },
  ERR_RSTREAM_MCP_ARGUMENTS: {
    about: 'The arguments of the tool call are not valid.',
    next: 'Correct the argument that the message names and call again.',
  },
  ERR_RSTREAM_LEASE_NOT_FOUND: {
    about: 'No local tunnel has this id.',
    next: 'Call rstream_local_tunnel_list for the ids.',
  },
  ERR_RSTREAM_LEASE_FAILED: {
    about: 'The local tunnel did not come up.',
    next: 'Read the message; check that the local service runs and that the context is valid.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
