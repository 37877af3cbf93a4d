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
  ERR_RSTREAM_WEBTTY_UNREACHABLE: {
    about: 'The WebSocket to the device could not be opened; browsers do not say why.',
    next: 'Check that the device is online and that the token is valid for it, then try again. A reload asks for the page, which shows the reason.',
  },
  ERR_RSTREAM_WEBTTY_OVERFLOW: {
    about: 'The device sent more than this side could take, and a WebSocket cannot slow it down.',
    next: 'Upgrade the device: one that gives credit never sends too much. Or run a command that prints less.',
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
    next: 'Ask for what the message says the device offers: a command with explicit arguments, without a terminal or as another account.',
  },
  ERR_RSTREAM_LOGIN_USER: {
    about: 'The account that commands are to run as does not exist on the device or cannot be taken.',
    next: 'Name an account of the device, and run the agent as that account, or as root with setpriv (util-linux) installed.',
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
  ERR_RSTREAM_SESSION_REPLACED: {
    about: 'The session goes on over another connection, which came with the same secret.',
    next: 'Go on there, or attach to the session again to look at it from here, too.',
  },
  ERR_RSTREAM_SESSION_READ_ONLY: {
    about: 'This connection may only look at the session.',
    next: 'Ask the controller of the session for control.',
  },
  ERR_RSTREAM_RECORDING_REQUIRED: {
    about: 'The device records every session, and this one cannot be recorded.',
    next: 'Look into the log of the device for the reason, often a full disk, and try again.',
  },
  ERR_RSTREAM_RECORDING_FAILED: {
    about: 'A recording ended before its session.',
    next: 'Free or speed up the disk that holds the recordings; the message names the reason.',
  },
  ERR_RSTREAM_RECORDING_DIRECTORY: {
    about: 'The folder for recordings cannot be used.',
    next: 'Name a folder that belongs to the user of the agent, and to nobody else: chmod 700.',
  },
  ERR_RSTREAM_REDACTION_RULE: {
    about: 'A redaction rule cannot be used.',
    next: 'Correct the regular expression that the message names (JavaScript syntax, flag u).',
  },
  ERR_RSTREAM_RECORDING_NOT_FOUND: {
    about: 'There is no such recording.',
    next: 'List them with: rstream-agent recordings list --dir DIR',
  },
  ERR_RSTREAM_RECORDING_UNREADABLE: {
    about: 'The file is not a recording that can be read.',
    next: 'Check it with: rstream-agent recordings verify --dir DIR NAME',
  },
  ERR_RSTREAM_RECORDING_CHANGED: {
    about: 'A recording is not what was written.',
    next: 'Do not rely on it; compare it with a copy from elsewhere.',
  },
  ERR_RSTREAM_JOB_STORE: {
    about: 'The device cannot keep the output of a job.',
    next: "Check the folder of the agent's state on the device (--state-dir) and its free space.",
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
