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
  /** Terminal output is sent within a window that the client opens again by {@link OutputCredit} as it consumes. */
  OUTPUT_CREDIT: 1001,
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

const Config = message({
  options: maybe(1, Options),
  cmdArgs: many(2, string),
  envVars: many(3, EnvVar),
  workdir: maybe(4, StringValue),
  username: maybe(5, Username),
  exec: maybe(1000, ExecOptions),
  /** Ours: the size that a terminal starts with. The published protocol sends it once the process runs. */
  terminalSize: maybe(1001, TerminalSize),
});
export type Config = typeof Config extends Codec<infer T> ? T : never;
export type ExecOptions = typeof ExecOptions extends Codec<infer T> ? T : never;

const Open = message({
  config: maybe(1, Config),
  capabilities: many(2, uint32),
  sessionKeyGrant: maybe(4, bytes),
  clientProof: maybe(5, bytes),
});

const Ack = message({
  /** Ours: the capabilities of the request that the server honours. Empty from a published server. */
  capabilities: many(1000, uint32),
  /** Ours: stdin bytes that the client may send before the first {@link StdinCredit}. */
  stdinWindow: one(1001, uint32, 0),
  /** Ours: output bytes that a terminal sends before the first {@link OutputCredit}. */
  outputWindow: maybe(1002, uint32),
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

/** Ours. The client consumed `bytes` of terminal output: as many more may be sent. */
const OutputCredit = message({ bytes: one(1, uint32, 0) });

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
} as const;

type Kinds = typeof messageKinds;
type BodyOf<K extends keyof Kinds> = Kinds[K]['codec'] extends Codec<infer T> ? T : never;

/** One WebTTY message; `unknown` is a kind that this version does not know. */
export type Message = { [K in keyof Kinds]: { readonly kind: K } & BodyOf<K> }[keyof Kinds] | { readonly kind: 'unknown' };
export type MessageOf<K extends Message['kind']> = Extract<Message, { kind: K }>;
