import type { ErrorEntry } from './entry.ts';

/** Errors of the command line. */
export const cliErrors = {
  ERR_RSTREAM_USAGE: {
    about: 'The command line is not valid.',
    next: 'Run the command with --help.',
  },
  ERR_RSTREAM_WEBTTY_NOT_FOUND: {
    about: 'No device that takes commands has that name or id.',
    next: 'List the devices with: rstream webtty list',
  },
  ERR_RSTREAM_FAN_OUT_EMPTY: {
    about: 'No online device that takes commands matches.',
    next: 'See which devices there are with: rstream webtty list',
  },
  ERR_RSTREAM_AGENT_NOT_FOUND: {
    about: 'The program of the device side, rstream-agent, is not installed here.',
    next: 'Install it with: npm install --global rstream-agent. Or name it in RSTREAM_AGENT_BIN.',
  },
  ERR_RSTREAM_DEVICE_NOT_PUBLISHED: {
    about: 'The device has no public address, so no browser can open a link to it.',
    next: 'Start its agent with: rstream-agent run --publish',
  },
  ERR_RSTREAM_SETUP_CONFLICT: {
    about: 'The client already has an rstream entry that somebody changed.',
    next: 'Look at it, then replace it with --force.',
  },
  ERR_RSTREAM_SETUP_FAILED: {
    about: 'The client could not be set up.',
    next: 'Add the entry by hand; --print shows it.',
  },
  ERR_RSTREAM_SETUP_VERIFICATION: {
    about: 'The entry is there, but the MCP server that it names does not answer as it should.',
    next: 'Run the command that the message names in a terminal.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
