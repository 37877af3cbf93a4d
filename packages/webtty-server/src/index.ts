/**
 * Serve commands of this machine over byte streams: one connection, one command.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:net';
 * import { CommandServer } from '@rstream/webtty-server';
 *
 * const commands = new CommandServer({ policy: { allow: [['uptime'], ['git', '**']] }, maxSessions: 8 });
 * const listener = createServer({ allowHalfOpen: true }, (socket) => void commands.serve(socket, {}));
 * listener.listen(0, '127.0.0.1');
 * ```
 *
 * @module
 */
export type { Account } from './account.ts';
export type { Approvable, ApprovalHook } from './approval.ts';
export type { Caller } from './caller.ts';
export { CommandServer } from './command-server.ts';
export type { ArgvPattern } from './glob.ts';
export type { LinkEvents, MessageLink } from './message-link.ts';
export type { CommandPolicy, Decision, DeniedBy } from './policy.ts';
export type { CommandRecord, EndedBy } from './record.ts';
export { exportText } from './recording/export-text.ts';
export { exportV2 } from './recording/export-v2.ts';
export { listRecordings, readRecording, type ReadEvent, type Recording, type RecordingSummary } from './recording/read.ts';
export {
  recordSessions,
  type RecordingFailure,
  type RecordingMode,
  type RecordSessionsOptions,
  type SessionRecordings,
} from './recording/recordings.ts';
export { verifyRecording, type RecordingState, type Verification } from './recording/verify.ts';
export { resolveAccounts, type Accounts, type AccountSettings, type ExecutionMode, type RunAs } from './run-as.ts';
export type { CommandServerOptions, ServeOptions } from './session/host.ts';
export type { ObserveSession, SessionFacts, SessionObserver } from './session/observer.ts';
export { SocketLink, type MessageSocket } from './socket-link.ts';
export { canMakeTerminals } from './terminal/pty.ts';
