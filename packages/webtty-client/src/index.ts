/**
 * Run commands and open terminals on a device, from Node or a browser. Web-standard types only.
 *
 * @example
 * ```ts
 * import { collect, openCommand, transportFromWebStreams } from '@rstream/webtty-client';
 *
 * declare const pair: { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> };
 * const result = await collect(transportFromWebStreams(pair), { argv: ['uname', '-a'], timeoutMs: 30_000 }, { url: 'rstrm://build-01' });
 * if (result.exit_code === 0) result.stdout;
 * ```
 *
 * @module
 */
export { collect, collectJob, type CollectJobOptions, type CollectOptions } from './collect.ts';
export { openCommand, type CommandOutcome, type RunningCommand } from './command.ts';
export { exitStatus, exitStatusOfError } from './exit-status.ts';
export type { CommandRequest } from './request.ts';
export type { LinkState, Reconnect } from './reconnect.ts';
export { filterWebttyServers, findWebttyServer, parseWebttyServers, type WebttyFilter } from './servers.ts';
export {
  endSession,
  forgetJob,
  listSessions,
  readJob,
  shareSession,
  startJob,
  unshareSession,
  type ReadJobOptions,
  type RequestOptions,
  type SessionShare,
  type ShareOptions,
} from './sessions.ts';
export type { OpenCommandOptions, SessionKey } from './start.ts';
export type { CommandStdin } from './stdin.ts';
export {
  attachTerminal,
  openTerminal,
  type OpenTerminalOptions,
  type RemoteTerminal,
  type TerminalRole,
  type TerminalTarget,
} from './terminal.ts';
export type { TerminalRequest, TerminalViewport } from './terminal-request.ts';
export { transportFromWebStreams, type WebStreamPair, type WebttyTransport } from './transport.ts';
export { transportFromWebSocket, type WebSocketOptions } from './web-socket.ts';
