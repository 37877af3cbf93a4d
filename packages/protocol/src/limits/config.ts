import type { LimitTable } from './limit.ts';

/** The configuration file, its lock and the files that it refers to. */
export const configLimits = {
  fileBytes: { default: 1_048_576, unit: 'bytes', about: 'The configuration file.' },
  tokenBytes: { default: 16_384, unit: 'bytes', about: 'A token in a file, the environment or the configuration.' },
  lockTimeout: { default: 5_000, unit: 'ms', about: 'Wait for another process that changes the configuration.' },
  lockPoll: { default: 20, unit: 'ms', about: 'Pause between two attempts to take the lock; up to half more at random.' },
  lockBreakAge: { default: 10_000, unit: 'ms', about: 'Age after which the marker of an interrupted lock removal is ignored.' },
  sessionIdle: { default: 30_000, unit: 'ms', about: 'A session of the command line or MCP server without a stream is closed after this.' },
} as const satisfies LimitTable;
