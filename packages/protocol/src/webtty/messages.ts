import { bool, bytes, int32, many, maybe, message, one, presence, string, uint32, uint64, type Codec } from './schema.ts';

/**
 * The messages of the published WebTTY protocol (proto3). Field numbers up to 999 are the published ones; 1000 and up are ours
 * and are only sent to a peer that announced {@link OpenCapability.EXEC_CONTRACT} or another capability of ours.
 */

/** `Data.type`. */
export const DataType = { STDIN: 0, STDOUT: 1, STDERR: 2 } as const;
export type DataType = (typeof DataType)[keyof typeof DataType];

/** `Open.capabilities` and `Ack.capabilities`. */
export const OpenCapability = {
  ENCRYPTED_PAYLOAD: 1,
  SESSION_CRYPTO: 2,
  /** Deadline, signals, stdin credit, environment policy, and an end report with signal, totals and failure reason. */
  EXEC_CONTRACT: 1000,
  /** Output is sent within a window per stream that the client opens again by {@link OutputCredit} as it consumes. */
  OUTPUT_CREDIT: 1001,
  /** The session outlives its connection: the ack names it, and {@link Resume} on a new connection continues it. */
  RESUME: 1002,
} as const;

/** `ProtocolError.code`. */
export const ProtocolErrorCode = {
  UNKNOWN_SERVER: 1,
  SERVER_KEY_CHANGED: 2,
  SERVER_PROOF_INVALID: 3,
  CLIENT_PROOF_REQUIRED: 4,
  CLIENT_PROOF_INVALID: 5,
  CLIENT_UNAUTHORIZED: 6,
  CLIENT_REVOKED: 7,
  CHALLENGE_EXPIRED: 8,
  CHALLENGE_REPLAYED: 9,
  DOWNGRADE_DETECTED: 10,
  UNSUPPORTED_SUITE: 11,
  WORKSPACE_TRUST_REQUIRED: 12,
  WORKSPACE_DEVICE_UNTRUSTED: 13,
  REGISTERED_SERVER_MISMATCH: 14,
} as const;

export const AttachRole = { SPECTATOR: 1, CONTROLLER: 2 } as const;
export const AttachTransport = { PLAIN: 1, WEBSOCKET: 2, WEBTRANSPORT: 3 } as const;
export const AttachCapability = { READ_STREAM: 1, REQUEST_CONTROL: 2, RECEIVE_CONTROL: 3 } as const;

/** What a connection may do with its session (ours). */
export const SessionRole = {
  /** Types, resizes and signals. One at a time. */
  CONTROLLER: 1,
  /** Sees, and may ask for control. */
  VIEWER: 2,
  /** Sees, for life. */
  SPECTATOR: 3,
} as const;
export type SessionRole = (typeof SessionRole)[keyof typeof SessionRole];

/** `Control.action` (ours). */
export const ControlAction = {
  /** Viewer → server → controller: may I? */
  REQUEST: 1,
  /** Controller → server: hand over to `viewer`. */
  GRANT: 2,
  /** Controller → server → viewer: no. */
  REFUSE: 3,
  /** Server → client: your role is now `role`. */
  ROLE: 4,
  /** Controller → server: I leave; keep the session for whoever comes back. */
  DETACH: 5,
  /** Client → server: I have everything, the end included; nothing needs to be kept for me. */
  DONE: 6,
  /** Server → client: the session goes on over another connection with the same secret; do not come back. */
  REPLACED: 7,
} as const;

/** `SessionsRequest.action` (ours). */
export const SessionsAction = {
  LIST: 1,
  /** End the session: TERM or HUP, then KILL. */
  END: 2,
  /** Remove what is kept of an ended job. */
  FORGET: 3,
  /** Make a read-only share. */
  SHARE: 4,
  UNSHARE: 5,
} as const;

/** Why a command did not start: `Error.reason` (ours). Values are stable; a client maps them to its error codes. */
export const FailureReason = {
  UNSPECIFIED: 0,
  /** No such program: shells say 127. */
  NOT_FOUND: 1,
  /** The file is there but cannot be executed: shells say 126. */
  NOT_EXECUTABLE: 2,
  /** The device's policy does not allow it. */
  DENIED: 3,
  /** The working directory does not exist or cannot be entered. */
  WORKDIR: 4,
  /** The device runs as many commands as it may. */
  CAPACITY: 5,
  /** The request asks for something that this server does not do, such as a terminal. */
  UNSUPPORTED: 6,
  /** The request is malformed. */
  INVALID: 7,
  /** The server is stopping. */
  STOPPING: 8,
  /** The operating system refused to start it for another reason. */
  SPAWN: 9,
  /** The device may offer terminals, but the part that makes them is not installed there. */
  TERMINAL_MISSING: 10,
  /** There is no such session, or not for this caller. */
  NO_SESSION: 11,
  /** The session has ended and what was asked for is not kept. */
  SESSION_ENDED: 12,
  /** This connection may only look. */
  READ_ONLY: 13,
  /** The device cannot keep the output of a job. */
  JOB_STORE: 14,
} as const;
export type FailureReason = (typeof FailureReason)[keyof typeof FailureReason];

const StringValue = message({ value: one(1, string, '') });
const EnvVar = message({ key: one(1, string, ''), value: one(2, string, '') });
const Username = message({ name: maybe(1, string), id: maybe(2, uint32) }, ['name', 'id']);
const Options = message({
  interactive: one(1, bool, false),
  allocateTty: one(2, bool, false),
  sendHeartbeat: one(3, bool, false),
});

/** `Config.exec` (ours): the part of a command request that the published protocol has no words for. Zero means "not set". */
const ExecOptions = message({
  /** Running time after which the server ends the command with TERM, then KILL. */
  deadlineMs: one(1, uint64, 0),
  /** Wait between TERM and KILL. */
  killGraceMs: one(2, uint32, 0),
  /** Bytes of each output stream that the server forwards; the rest is read, counted and dropped. */
  maxOutputBytes: one(3, uint64, 0),
  /** Names taken out of the environment. */
  unsetEnv: many(4, string),
  /** Start from an empty environment (PATH, HOME and the like are still set). */
  cleanEnv: one(5, bool, false),
});

const TerminalSize = message({
  row: one(1, uint32, 0),
  col: one(2, uint32, 0),
  xpixel: one(3, uint32, 0),
  ypixel: one(4, uint32, 0),
});
export type TerminalSize = typeof TerminalSize extends Codec<infer T> ? T : never;

/** `Config.session` (ours): how long the session lives and what is kept of it. Zero means "the device's default". */
const SessionOptions = message({
  /** The session is a job: it needs no connection, its output is kept on the device, and it runs to its own end. */
  detached: one(1, bool, false),
  /** Time for which a session whose connection was lost waits to be resumed. */
  resumeMs: one(2, uint32, 0),
  /** What its owner calls it; shown in lists. */
  label: one(3, string, ''),
  /** Record it on the device. */
  record: one(4, bool, false),
});
export type SessionOptions = typeof SessionOptions extends Codec<infer T> ? T : never;

const Config = message({
  options: maybe(1, Options),
  cmdArgs: many(2, string),
  envVars: many(3, EnvVar),
  workdir: maybe(4, StringValue),
  username: maybe(5, Username),
  exec: maybe(1000, ExecOptions),
  /** Ours: the size that a terminal starts with. The published protocol sends it once the process runs. */
  terminalSize: maybe(1001, TerminalSize),
  session: maybe(1002, SessionOptions),
});
export type Config = typeof Config extends Codec<infer T> ? T : never;
export type ExecOptions = typeof ExecOptions extends Codec<infer T> ? T : never;

const Open = message({
  config: maybe(1, Config),
  capabilities: many(2, uint32),
  sessionKeyGrant: maybe(4, bytes),
  clientProof: maybe(5, bytes),
});

/** Ours: a session, where it stands, and what it takes to come back to it. */
const SessionHandle = message({
  id: one(1, string, ''),
  /** Proves that whoever resumes is who opened; 32 random bytes. */
  secret: maybe(2, bytes),
  /** Time for which the session waits without a connection. */
  resumeMs: one(3, uint32, 0),
  /** What this connection may do; see {@link SessionRole}. */
  role: one(4, uint32, 0),
  /** Stdin bytes that the session has taken so far: the client goes on behind them. */
  stdinOffset: one(5, uint64, 0),
  /** Offset in each stream at which the data that follows begins. */
  stdoutOffset: one(6, uint64, 0),
  stderrOffset: one(7, uint64, 0),
  terminal: one(8, bool, false),
  /** Number of the time during which one client had control: `stdinOffset` counts from its beginning. */
  tenure: one(9, uint32, 0),
});
export type SessionHandle = typeof SessionHandle extends Codec<infer T> ? T : never;

const Ack = message({
  /** Ours: the capabilities of the request that the server honours. Empty from a published server. */
  capabilities: many(1000, uint32),
  /** Ours: stdin bytes that the client may send before the first {@link StdinCredit}. */
  stdinWindow: one(1001, uint32, 0),
  /** Ours: output bytes of each stream that are sent before the first {@link OutputCredit}. */
  outputWindow: maybe(1002, uint32),
  /** Ours: the session, for a client that announced {@link OpenCapability.RESUME}. */
  session: maybe(1003, SessionHandle),
});

const ErrorMessage = message({ msg: one(1, string, ''), reason: one(1000, uint32, 0) });

const Close = message({
  returnCode: one(1, int32, 0),
  /** Ours. The published field stays -1 for a signalled command. */
  report: maybe(
    1000,
    message({
      /** Name such as SIGTERM; empty when the command exited by itself. */
      signal: one(1, string, ''),
      timedOut: one(2, bool, false),
      cancelled: one(3, bool, false),
      /** Bytes that the command wrote, forwarded or not. */
      stdoutBytes: one(4, uint64, 0),
      stderrBytes: one(5, uint64, 0),
      durationMs: one(6, uint64, 0),
    }),
  ),
});
export type CloseReport = NonNullable<(typeof Close extends Codec<infer T> ? T : never)['report']>;

const Data = message({ type: one(1, uint32, 0), data: maybe(2, bytes), eos: maybe(3, presence), encryptedData: maybe(4, bytes) }, [
  'data',
  'eos',
  'encryptedData',
]);

const Parameter = message({ terminalSize: maybe(1, TerminalSize) });
const Empty = message({});

const Attach = message({
  sessionId: one(1, string, ''),
  participantId: one(2, string, ''),
  attachGrant: maybe(3, bytes),
  requestedRole: one(4, uint32, 0),
  transport: one(5, uint32, 0),
  capabilities: many(6, uint32),
  deviceId: maybe(7, StringValue),
  browserId: maybe(8, StringValue),
  clientProof: maybe(9, bytes),
});

const ServerHello = message({
  protocolVersion: one(1, uint32, 0),
  sessionNonce: maybe(2, bytes),
  serverIdentity: maybe(3, bytes),
  payloadSuites: many(4, uint32),
  keyEnvelopeSuites: many(5, uint32),
  signatureSuites: many(6, uint32),
  authRequirement: one(7, uint32, 0),
  workspaceId: one(8, string, ''),
  projectId: one(9, string, ''),
  serverId: one(10, string, ''),
  sessionId: one(11, string, ''),
  serverProof: maybe(12, bytes),
});
const ProtocolErrorMessage = message({ code: one(1, uint32, 0), msg: one(2, string, '') });
const ClientHello = message({ protocolVersion: one(1, uint32, 0) });

/** Ours. Sends a signal to the command's process group. */
const Signal = message({
  /** Name such as SIGINT. */
  name: one(1, string, ''),
  /** The caller gave up: TERM, then KILL after the grace, and the end report says `cancelled`. */
  cancel: one(2, bool, false),
});
/** Ours. The server took `bytes` of stdin: the client may send as many more. */
const StdinCredit = message({ bytes: one(1, uint32, 0) });

/** Ours. The client consumed `bytes` of output: as many more may be sent. */
const OutputCredit = message({
  bytes: one(1, uint32, 0),
  /** `DataType.STDERR`; absent means stdout. */
  type: maybe(2, uint32),
});

/**
 * Ours, in place of an open message: continue a session, or look at one. The ack says where the output continues; a viewer that
 * is too far behind, or new, gets a {@link Snapshot} first.
 */
const Resume = message({
  sessionId: one(1, string, ''),
  /** The session's secret, or that of a share. Without one, the caller must be who opened the session. */
  secret: maybe(2, bytes),
  /** The role that is asked for; {@link SessionRole}. */
  role: one(3, uint32, 0),
  capabilities: many(4, uint32),
  /** Bytes of each stream that the client has received. Absent: it has none, and a terminal's screen is sent. */
  stdoutOffset: maybe(5, uint64),
  stderrOffset: maybe(6, uint64),
  /** Of these, bytes that it has received and not consumed yet. */
  stdoutUnconsumed: one(7, uint32, 0),
  stderrUnconsumed: one(8, uint32, 0),
  terminalSize: maybe(9, TerminalSize),
  heartbeat: one(10, bool, false),
  /** Lines above the screen that a {@link Snapshot} should hold. */
  scrollback: one(11, uint32, 0),
  /** The tenure that the client had; with the present one it is the controller who comes back. */
  tenure: one(12, uint32, 0),
});

/** Ours. The whole screen of a terminal, in place of the output up to `offset`: clear, set the size, write `screen`. */
const Snapshot = message({
  offset: one(1, uint64, 0),
  size: maybe(2, TerminalSize),
  screen: maybe(3, bytes),
});

/** Ours. Who controls a terminal with several viewers. */
const Control = message({
  /** {@link ControlAction}. */
  action: one(1, uint32, 0),
  /** The viewer that asks, or that is answered. */
  viewer: one(2, uint32, 0),
  /** {@link SessionRole}, with `ROLE`. */
  role: one(3, uint32, 0),
  /** With `DETACH`: time for which the session waits for a viewer; 0 for the device's default. */
  keepMs: one(4, uint32, 0),
  /** With `ROLE` for a new controller: its tenure, and the stdin bytes that it may send. */
  tenure: one(5, uint32, 0),
  stdinWindow: one(6, uint32, 0),
});

/** Ours. Sent back with `reply` set at once: the time between is that of the way there and back. */
const Probe = message({ id: one(1, uint32, 0), reply: one(2, bool, false) });

/** Ours, in place of an open message, on a connection of its own: ask about sessions. */
const SessionsRequest = message({
  /** {@link SessionsAction}. */
  action: one(1, uint32, 0),
  /** The session meant; empty for all of the caller's. */
  sessionId: one(2, string, ''),
  /** With `SHARE`: life of the link. */
  ttlMs: one(3, uint32, 0),
  /** With `UNSHARE`: the share to revoke; empty for all of the session. */
  shareId: one(4, string, ''),
  /** Of a session that the caller did not open: its secret. */
  secret: maybe(5, bytes),
});

const SessionInfo = message({
  id: one(1, string, ''),
  label: one(2, string, ''),
  argv: many(3, string),
  cwd: one(4, string, ''),
  terminal: one(5, bool, false),
  detached: one(6, bool, false),
  running: one(7, bool, false),
  startedAtMs: one(8, uint64, 0),
  endedAtMs: maybe(9, uint64),
  exitCode: maybe(10, int32),
  /** Name such as SIGTERM; empty when it exited by itself. */
  signal: one(11, string, ''),
  timedOut: one(12, bool, false),
  cancelled: one(13, bool, false),
  /** Bytes that the program wrote. */
  stdoutBytes: one(14, uint64, 0),
  stderrBytes: one(15, uint64, 0),
  /** Bytes of them that can be read back, from the first on. */
  stdoutKept: one(16, uint64, 0),
  stderrKept: one(17, uint64, 0),
  viewers: one(18, uint32, 0),
  shares: one(19, uint32, 0),
});
export type SessionInfo = typeof SessionInfo extends Codec<infer T> ? T : never;

const SessionsReply = message({
  sessions: many(1, SessionInfo),
  /** With `SHARE`. */
  shareId: one(2, string, ''),
  shareSecret: maybe(3, bytes),
  expiresAtMs: one(4, uint64, 0),
});

/** Every kind of the `Message` oneof with its field number. */
export const messageKinds = {
  open: maybe(1, Open),
  ack: maybe(2, Ack),
  error: maybe(3, ErrorMessage),
  close: maybe(4, Close),
  data: maybe(5, Data),
  parameter: maybe(6, Parameter),
  heartbeat: maybe(7, Empty),
  attach: maybe(8, Attach),
  serverHello: maybe(9, ServerHello),
  protocolError: maybe(10, ProtocolErrorMessage),
  clientHello: maybe(11, ClientHello),
  signal: maybe(1000, Signal),
  stdinCredit: maybe(1001, StdinCredit),
  outputCredit: maybe(1002, OutputCredit),
  resume: maybe(1003, Resume),
  snapshot: maybe(1004, Snapshot),
  control: maybe(1005, Control),
  sessionsRequest: maybe(1006, SessionsRequest),
  sessionsReply: maybe(1007, SessionsReply),
  probe: maybe(1008, Probe),
} as const;

type Kinds = typeof messageKinds;
type BodyOf<K extends keyof Kinds> = Kinds[K]['codec'] extends Codec<infer T> ? T : never;

/** One WebTTY message; `unknown` is a kind that this version does not know. */
export type Message = { [K in keyof Kinds]: { readonly kind: K } & BodyOf<K> }[keyof Kinds] | { readonly kind: 'unknown' };
export type MessageOf<K extends Message['kind']> = Extract<Message, { kind: K }>;
