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
export type { Caller } from './caller.ts';
export { CommandServer, type CommandServerOptions } from './command-server.ts';
export type { Account } from './environment.ts';
export type { ArgvPattern } from './glob.ts';
export type { CommandPolicy } from './policy.ts';
export type { CommandRecord, EndedBy } from './record.ts';
export { serveCommands, type ServeOptions } from './serve.ts';
export { canMakeTerminals } from './terminal/pty.ts';
