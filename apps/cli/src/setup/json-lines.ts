import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RstreamError } from '@rstream/protocol';
import type { LaunchCommand } from './executable.ts';

/** A process that speaks JSON-RPC, one message a line: an MCP server, or Codex's app server. */
export interface JsonLinesProcess {
  request(method: string, params: unknown): Promise<unknown>;
  notify(method: string, params?: unknown): void;
  /** Ends the process; resolves when it is gone. */
  close(): Promise<void>;
}

interface StartOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Ends the process and fails what is pending. */
  readonly signal: AbortSignal;
  /** Leaves out the `jsonrpc` member, as Codex's app server does. */
  readonly bare?: boolean;
}

const KILL_AFTER_MS = 2_000;

/** Starts the process. Its stderr is dropped; requests fail when it ends or the signal fires. */
export function startJsonLines(launch: LaunchCommand, { env, signal, bare = false }: StartOptions): JsonLinesProcess {
  const child = spawn(launch.command, [...launch.args], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  let nextId = 0;
  let failure: RstreamError | undefined;
  const fail = (error: RstreamError): void => {
    failure ??= error;
    for (const waiting of pending.values()) waiting.reject(failure);
    pending.clear();
  };
  const gone = new Promise<void>((resolve) => {
    child.on('error', (cause) => {
      fail(new RstreamError('ERR_RSTREAM_SETUP_VERIFICATION', `${launch.command} could not be started.`, { cause }));
      resolve();
    });
    child.on('exit', (code, name) => {
      fail(new RstreamError('ERR_RSTREAM_SETUP_VERIFICATION', `${launch.command} ended (${name ?? `exit code ${code ?? 0}`}).`));
      resolve();
    });
  });
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    answer(line, pending);
  });
  const abort = (): void => {
    fail(new RstreamError('ERR_RSTREAM_TIMEOUT', `${launch.command} did not answer in time.`));
  };
  signal.addEventListener('abort', abort, { once: true });
  const write = (message: object): void => {
    child.stdin.write(`${JSON.stringify(bare ? message : { jsonrpc: '2.0', ...message })}\n`);
  };
  return {
    async request(method, params) {
      if (failure !== undefined) throw failure;
      const id = (nextId += 1);
      const waiting = Promise.withResolvers<unknown>();
      pending.set(id, waiting);
      write({ id, method, params });
      return waiting.promise;
    },
    notify(method, params) {
      write(params === undefined ? { method } : { method, params });
    },
    async close() {
      signal.removeEventListener('abort', abort);
      await end(child, gone);
    },
  };
}

function answer(line: string, pending: Map<number, PromiseWithResolvers<unknown>>): void {
  let message: { id?: unknown; result?: unknown; error?: { message?: unknown } };
  try {
    message = JSON.parse(line) as typeof message;
  } catch {
    return;
  }
  const id = typeof message.id === 'number' ? message.id : -1;
  const waiting = pending.get(id);
  if (waiting === undefined) return;
  pending.delete(id);
  if (message.error === undefined) waiting.resolve(message.result);
  else
    waiting.reject(
      new RstreamError('ERR_RSTREAM_SETUP_VERIFICATION', `The server answered with an error: ${String(message.error.message)}.`),
    );
}

/** The end of stdin is the request to stop; who does not heed it is killed. */
async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await gone;
  clearTimeout(timer);
}
