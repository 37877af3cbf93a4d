import type { LimitTable } from './limit.ts';

/** WebTTY sessions and commands. */
export const webttyLimits = {
  messageBytes: { default: 1_048_576, unit: 'bytes', about: 'One WebTTY message.' },
  openTimeout: { default: 5_000, unit: 'ms', about: 'Server: from a new connection to its open message.' },
  clientOpenTimeout: { default: 15_000, unit: 'ms', about: 'Client: from the open message to a started command.' },
  heartbeatInterval: { default: 5_000, unit: 'ms', about: 'Between heartbeats to a peer that asked for them.' },
  dataBytes: { default: 65_536, unit: 'bytes', about: 'Payload of one data message.' },
  stdinWindow: { default: 262_144, unit: 'bytes', about: 'Stdin that a client may send ahead of the command reading it.' },
  stdinBacklog: { default: 2_097_152, unit: 'bytes', about: 'Unread stdin of a client without credit before reading from it stops.' },
  terminalWindow: { default: 131_072, unit: 'bytes', about: 'Terminal output under way that the viewer has not consumed yet.' },
  terminalDrain: {
    default: 2_000,
    unit: 'ms',
    about: 'Wait for the last output of a terminal whose viewer takes it, without any arriving.',
  },
  terminalSide: { default: 10_000, unit: 'count', about: 'Rows or columns of a terminal.' },
  outputQueue: { default: 1_048_576, unit: 'bytes', about: 'Unread output per stream before the client stops reading from its transport.' },
  keptOutput: { default: 1_048_576, unit: 'bytes', about: 'Output per stream that a collected result keeps, head and tail together.' },
  killGrace: { default: 1_000, unit: 'ms', about: 'Between TERM and KILL for a command that ran out of time or lost its caller.' },
  maxKillGrace: { default: 60_000, unit: 'ms', about: 'Longest grace that a client may ask for.' },
  outputLinger: { default: 1_000, unit: 'ms', about: 'Wait for output that other processes hold open after the command ended.' },
  closeTimeout: { default: 60_000, unit: 'ms', about: 'Wait for the peer to take what was sent and close, after the last message.' },
  cancelTimeout: { default: 2_000, unit: 'ms', about: 'Client: wait for the end report of a cancelled command beyond its kill grace.' },
  shutdownTimeout: { default: 10_000, unit: 'ms', about: 'Time for running commands to finish when the agent is told to stop.' },
  maxSessions: { default: 64, unit: 'count', about: 'Commands that one device runs at once.' },
  arguments: { default: 4_096, unit: 'count', about: 'Arguments of one command.' },
  argumentBytes: { default: 131_072, unit: 'bytes', about: 'One argument or environment value (the kernel of Linux takes no more).' },
  environmentNames: { default: 1_024, unit: 'count', about: 'Environment variables that a client may send.' },
  auditedArgv: { default: 1_024, unit: 'characters', about: 'Command line kept in an audit record.' },
} as const satisfies LimitTable;
