import { dirname } from 'node:path';
import { productVersion, toRstreamError } from '@rstream/protocol';
import { findExecutable } from './executable.ts';
import { startJsonLines } from './json-lines.ts';
import type { Diagnostic } from './result.ts';

const CHECK_TIMEOUT_MS = 60_000;

interface ServerStatus {
  readonly name?: string;
  readonly tools?: Readonly<Record<string, unknown>> | readonly unknown[];
  readonly toolsError?: unknown;
}

/** Asks Codex itself, through its app server, whether it can start our MCP server. Says so when Codex is not installed. */
export async function checkWithCodex(configFile: string, signal: AbortSignal): Promise<Diagnostic> {
  const codex = findExecutable('codex');
  if (codex === undefined) {
    return {
      code: 'codex_not_found',
      level: 'warning',
      message: 'codex is not on PATH, so it could not be asked. The entry itself is checked by --verify.',
    };
  }
  const ends = AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
  const env = { ...process.env, CODEX_HOME: dirname(configFile) };
  const server = startJsonLines({ command: codex, args: ['app-server'] }, { env, signal: ends, bare: true });
  try {
    await server.request('initialize', {
      clientInfo: { name: 'rstream-setup', version: productVersion },
      capabilities: { experimentalApi: true },
    });
    server.notify('initialized');
    const answer = (await server.request('mcpServerStatus/list', {})) as { data?: readonly ServerStatus[] };
    return judge(answer.data ?? []);
  } catch (error) {
    return { code: 'codex_check_failed', level: 'error', message: `Codex did not answer: ${toRstreamError(error).message}` };
  } finally {
    await server.close();
  }
}

function judge(servers: readonly ServerStatus[]): Diagnostic {
  const ours = servers.find(({ name }) => name === 'rstream');
  if (ours === undefined) return { code: 'codex_check_failed', level: 'error', message: 'Codex does not know the rstream server.' };
  const count = Object.keys(ours.tools ?? {}).length;
  const failed = count === 0 || (ours.toolsError !== undefined && ours.toolsError !== null);
  if (failed) return { code: 'codex_check_failed', level: 'error', message: 'Codex could not list the tools of the rstream server.' };
  return { code: 'codex_check_succeeded', level: 'info', message: `Codex sees ${count} rstream tools.` };
}
