import type { ErrorEntry } from './entry.ts';

/** Errors of `webtty-client` and `webtty-server`. */
export const webttyErrors = {
  ERR_RSTREAM_WEBTTY_PROTOCOL: {
    about: 'The peer sent a message that breaks the WebTTY protocol.',
    next: 'Upgrade the older end.',
  },
  ERR_RSTREAM_WEBTTY_REFUSED: {
    about: 'The device refused to start the command.',
    next: 'Read the reason in the message, correct the request and try again.',
  },
  ERR_RSTREAM_WEBTTY_TIMEOUT: {
    about: 'The device did not answer the request to start a command in time.',
    next: 'Check that the device is online and not overloaded, then try again.',
  },
  ERR_RSTREAM_WEBTTY_LOST: {
    about: 'The connection to the device ended before the command did.',
    next: 'The device ends a command whose caller is gone; check its effects, then run it again if that is safe.',
  },
  ERR_RSTREAM_WEBTTY_INPUT: {
    about: 'The input for the command could not be read on this side, so the command was ended.',
    next: 'Read the cause in the message and run the command again.',
  },
  ERR_RSTREAM_COMMAND_CANCELLED: {
    about: 'The caller gave the command up before the device had started it.',
    next: 'Run it again if it is still wanted.',
  },
  ERR_RSTREAM_COMMAND_NOT_FOUND: {
    about: 'The device has no such program.',
    next: 'Check the spelling, or give the full path of the program on the device.',
  },
  ERR_RSTREAM_COMMAND_NOT_EXECUTABLE: {
    about: 'The file exists on the device but cannot be executed.',
    next: 'Make it executable there, or run it through its interpreter.',
  },
  ERR_RSTREAM_COMMAND_DENIED: {
    about: "The device's policy does not allow this command.",
    next: "Ask the owner of the device to allow it in the agent's policy file.",
  },
  ERR_RSTREAM_COMMAND_WORKDIR: {
    about: 'The working directory does not exist on the device or cannot be entered.',
    next: 'Name a directory that exists on the device, or leave it out to start in the home directory.',
  },
  ERR_RSTREAM_COMMAND_INVALID: {
    about: 'The request to run a command is malformed.',
    next: 'Give at least one argument, and no NUL characters.',
  },
  ERR_RSTREAM_COMMAND_UNSUPPORTED: {
    about: 'The device does not offer what the request asks for.',
    next: 'Run the command without a terminal, with explicit arguments and as the user of the agent.',
  },
  ERR_RSTREAM_TERMINAL_MISSING: {
    about: 'The device may offer terminals, but the part of the agent that makes them is not installed for its platform.',
    next: 'Install the agent with its optional dependencies (Linux with glibc, or macOS), or run a command without a terminal.',
  },
  ERR_RSTREAM_COMMAND_FAILED_TO_START: {
    about: 'The operating system of the device refused to start the command.',
    next: 'Read the reason in the message; the device may be out of processes or memory.',
  },
  ERR_RSTREAM_SESSION_NOT_FOUND: {
    about: "The device has no such session for this caller: it has ended, its time to be resumed is over, or it is someone else's.",
    next: 'List the sessions with: rstream webtty sessions list --url rstrm://NAME',
  },
  ERR_RSTREAM_SESSION_ENDED: {
    about: 'The session has ended, and what was asked for is not kept.',
    next: 'Start a new one.',
  },
  ERR_RSTREAM_SESSION_READ_ONLY: {
    about: 'This connection may only look at the session.',
    next: 'Ask the controller of the session for control.',
  },
  ERR_RSTREAM_DEVICE_BUSY: {
    about: 'The device already runs as many commands as it may.',
    next: 'Wait for one to end, or raise --max-sessions on the device.',
  },
  ERR_RSTREAM_DEVICE_STOPPING: {
    about: 'The agent on the device is stopping.',
    next: 'Try again when it is back.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
