import type { ErrorEntry } from './entry.ts';

/** Errors of the device agent. */
export const agentErrors = {
  ERR_RSTREAM_TOKEN_FILE_UNSAFE: {
    about: 'Other users can read the token file.',
    next: 'Run: chmod 600 on the token file.',
  },
  ERR_RSTREAM_AGENT_CONFIG: {
    about: 'The configuration of the agent is not valid.',
    next: 'Correct the option or the field that the message names.',
  },
  ERR_RSTREAM_AGENT_STOPPED: {
    about: 'The agent can no longer serve its tunnel.',
    next: 'Correct the cause that the message names and start the agent again.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
