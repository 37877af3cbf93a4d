import { randomUUID } from 'node:crypto';
import type { ContextFlags } from '@rstream/config';
import { selectTools, toolNamed, type ToolSelection } from '@rstream/mcp-tools';
import { runtimeTools } from '@rstream/mcp-tools/runtime';
import { createMcpServer, runtimeInstructions, serveOverStdio } from '@rstream/mcp-tools/server';
import { productVersion } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import { atMost } from './at-most.ts';
import { runtimePorts } from './ports/runtime-ports.ts';
import { guardStdout } from './stdout-guard.ts';

export interface ServeOptions {
  readonly flags: ContextFlags;
  readonly selection: ToolSelection;
  /** Tools that ask the user although they do so only on request. */
  readonly confirm: readonly string[];
}

/**
 * Serves the workstation's tools on this process's stdin and stdout until the client leaves or a signal arrives, then ends the
 * running calls and the leases of this server. Opens no connection by itself.
 */
export async function serveMcp({ flags, selection, confirm }: ServeOptions): Promise<void> {
  const tools = selectTools(runtimeTools, selection);
  const asked = new Set(confirm.map((name) => toolNamed(runtimeTools, name).name));
  const stdout = guardStdout();
  const ports = runtimePorts({ flags, instance: randomUUID() });
  const onError = (error: Error) => process.stderr.write(`rstream mcp: ${error.message}\n`);
  const server = createMcpServer({
    name: 'rstream',
    title: 'rstream',
    version: productVersion,
    instructions: runtimeInstructions,
    tools,
    ports,
    confirm: asked,
    onError,
  });
  const connection = serveOverStdio(server, { stdin: process.stdin, stdout, onError });
  await Promise.race([connection.closed, stopSignal()]);
  await connection.close();
  const cleanUp = async () => {
    await Promise.all([ports.close(), server.idle()]);
  };
  await atMost(cleanUp(), mcpLimits.shutdown.default);
  leave();
}

/** Resolves on the first signal that asks the process to end; a second one ends it at once. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(name, () => {
      resolve();
      process.once(name, () => process.exit(1));
    });
  }
  return promise;
}

/** Nothing may keep an agent waiting: what still holds the event loop after the clean-up is cut off. */
function leave(): void {
  process.stdin.destroy();
  setTimeout(() => process.exit(0), 100).unref();
}
