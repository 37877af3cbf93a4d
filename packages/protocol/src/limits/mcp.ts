import type { LimitTable } from './limit.ts';

/** MCP servers, tools and the leases that agents open. */
export const mcpLimits = {
  resultBytes: { default: 32_768, unit: 'bytes', about: 'Text of one tool result.' },
  listBytes: { default: 20_480, unit: 'bytes', about: 'Whole answer to tools/list.' },
  messageBytes: { default: 8_388_608, unit: 'bytes', about: 'One message (line) from an MCP client.' },
  concurrentCalls: { default: 8, unit: 'count', about: 'Tool calls that run at once.' },
  queuedCalls: { default: 16, unit: 'count', about: 'Tool calls that wait for a free place.' },
  callTimeout: { default: 60_000, unit: 'ms', about: 'One tool call, unless its tool says otherwise.' },
  abortGrace: { default: 2_000, unit: 'ms', about: 'Wait for a cancelled or expired call to clean up before it is answered.' },
  execTimeout: { default: 55_000, unit: 'ms', about: 'A remote command for which no time was asked.' },
  execTimeoutMax: { default: 3_600_000, unit: 'ms', about: 'Longest time that can be asked for a remote command.' },
  execOutput: { default: 24_576, unit: 'bytes', about: 'Kept output of a remote command, both streams together.' },
  execOutputMax: { default: 1_048_576, unit: 'bytes', about: 'Most kept output that can be asked for.' },
  stdinBytes: { default: 1_048_576, unit: 'bytes', about: 'Standard input of a remote command.' },
  listItems: { default: 50, unit: 'count', about: 'Items of a list result.' },
  listItemsMax: { default: 500, unit: 'count', about: 'Most items that can be asked of a list.' },
  confirmationTtl: { default: 600, unit: 's', about: 'Life of a confirmation that was asked for.' },
  pendingConfirmations: { default: 256, unit: 'count', about: 'Confirmations that wait for an answer; the oldest gives way.' },
  leaseTtl: { default: 3_600, unit: 's', about: 'Life of a local tunnel for which no time was asked.' },
  leaseTtlMax: { default: 86_400, unit: 's', about: 'Longest life of a local tunnel.' },
  leaseStart: { default: 30_000, unit: 'ms', about: 'From starting a local tunnel to its being online.' },
  leaseStop: { default: 2_500, unit: 'ms', about: 'Wait for a local tunnel to end before it is killed.' },
  leaseGone: { default: 5_000, unit: 'ms', about: 'Wait for a stopped tunnel to leave the inventory.' },
  leases: { default: 64, unit: 'count', about: 'Local tunnels of one configuration.' },
  leaseLogBytes: { default: 1_048_576, unit: 'bytes', about: 'Log file of one local tunnel.' },
  shutdown: { default: 1_000, unit: 'ms', about: 'Cleaning up when the MCP server ends.' },
} as const satisfies LimitTable;
