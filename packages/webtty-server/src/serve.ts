import type { Duplex } from 'node:stream';
import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import { OpenCapability, type MessageOf } from '@rstream/protocol/webtty';
import type { Caller } from './caller.ts';
import { baseEnvironment, ownAccount, type Account } from './environment.ts';
import { startExecution } from './execution.ts';
import type { MessageLink } from './message-link.ts';
import { planCommand, speaksContract, type CommandPlan, type Device } from './plan.ts';
import type { CommandPolicy } from './policy.ts';
import { auditedCommand, callerFields, type CommandRecord } from './record.ts';
import { refusalMessage } from './refusal.ts';
import { RunningCommand } from './running-command.ts';
import { StreamLink } from './stream-link.ts';

export interface ServeOptions {
  readonly policy?: CommandPolicy | undefined;
  readonly caller?: Caller | undefined;
  /**
   * Environment of which commands inherit path, locale and time zone; usually the process's own. Nothing else of it is passed
   * on. Default: none, with a standard path.
   */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Account whose home and name commands see; default: the one that this process runs as. */
  readonly account?: Account | undefined;
  /** Refuses a command before it starts, or returns what to call when the command is over. Throw an `RstreamError` to refuse. */
  readonly admit?: (() => () => void) | undefined;
  /** Gets the record as soon as the command is over; the returned promise waits for the connection to close, too. */
  readonly onRecord?: ((record: CommandRecord) => void) | undefined;
  /** Aborting it ends the command as a shutdown. */
  readonly signal?: AbortSignal | undefined;
  /** Wait for the open message, in ms; default `limits.webtty.openTimeout`. */
  readonly openTimeoutMs?: number | undefined;
}

/**
 * Serves one command over one connection, from its open message to its end, and closes the stream. Never rejects: whatever
 * happens is in the record.
 */
export async function serveCommands(stream: Duplex, options: ServeOptions = {}): Promise<CommandRecord> {
  const link = new StreamLink(stream);
  const record = await serveOne(link, options);
  options.onRecord?.(record);
  await link.close(limits.webtty.closeTimeout.default);
  return record;
}

async function serveOne(link: MessageLink, options: ServeOptions): Promise<CommandRecord> {
  const startedAt = performance.now();
  let open: MessageOf<'open'> | undefined;
  let leave: (() => void) | undefined;
  try {
    open = await readOpen(link, options.openTimeoutMs ?? limits.webtty.openTimeout.default);
    leave = options.admit?.();
    const plan = await planCommand(open, deviceOf(options));
    return await runPlan(link, plan, options);
  } catch (cause) {
    const error = toRstreamError(cause);
    link.send(refusalMessage(error, open !== undefined && speaksContract(open)));
    return refusedRecord({ error, open, caller: options.caller ?? {}, durationMs: performance.now() - startedAt });
  } finally {
    leave?.();
  }
}

function deviceOf(options: ServeOptions): Device {
  const account = options.account ?? ownAccount();
  return { policy: options.policy ?? {}, account, environment: baseEnvironment(options.environment ?? {}, account) };
}

function readOpen(link: MessageLink, timeoutMs: number): Promise<MessageOf<'open'>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(invalid('No open message arrived in time.')), timeoutMs);
    const settle = (result: RstreamError | MessageOf<'open'>): void => {
      clearTimeout(timer);
      link.hold();
      if (RstreamError.is(result)) reject(result);
      else resolve(result);
    };
    link.listen({
      onMessage: (message) => {
        if (message.kind === 'open') settle(message);
        else if (message.kind === 'attach') settle(invalid('This server runs commands; sessions are attached at the engine.'));
        else if (message.kind !== 'heartbeat' && message.kind !== 'clientHello') settle(invalid('The first message must be "open".'));
      },
      onGone: (error) => settle(error ?? new RstreamError('ERR_RSTREAM_WEBTTY_LOST', 'The client left before it asked for a command.')),
    });
  });
}

const invalid = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_COMMAND_INVALID', message);

async function runPlan(link: MessageLink, plan: CommandPlan, options: ServeOptions): Promise<CommandRecord> {
  const execution = await startExecution(plan);
  link.send(ackOf(plan));
  const command = new RunningCommand(link, plan, execution);
  const onShutdown = (): void => command.end('shutdown');
  options.signal?.addEventListener('abort', onShutdown, { once: true });
  if (options.signal?.aborted === true) onShutdown();
  const end = await command.finish();
  options.signal?.removeEventListener('abort', onShutdown);
  return {
    ...callerFields(options.caller ?? {}),
    command: auditedCommand(plan.argv),
    cwd: plan.cwd,
    ...(plan.terminal === undefined ? {} : { terminal: true }),
    decision: 'run',
    ended_by: end.endedBy,
    exit_code: end.code,
    signal: end.signal,
    duration_ms: Math.round(end.durationMs),
    stdin_bytes: end.stdinBytes,
    stdout_bytes: end.stdoutBytes,
    stderr_bytes: end.stderrBytes,
  };
}

function ackOf({ contract, terminal }: CommandPlan): MessageOf<'ack'> {
  const window = terminal?.window;
  return {
    kind: 'ack',
    capabilities: [...(contract ? [OpenCapability.EXEC_CONTRACT] : []), ...(window === undefined ? [] : [OpenCapability.OUTPUT_CREDIT])],
    stdinWindow: contract ? limits.webtty.stdinWindow.default : 0,
    ...(window === undefined ? {} : { outputWindow: window }),
  };
}

interface Refused {
  readonly error: RstreamError;
  readonly open: MessageOf<'open'> | undefined;
  readonly caller: Caller;
  readonly durationMs: number;
}

function refusedRecord({ error, open, caller, durationMs }: Refused): CommandRecord {
  return {
    ...callerFields(caller),
    command: auditedCommand(open?.config?.cmdArgs ?? []),
    decision: 'refused',
    reason: error.code,
    exit_code: null,
    signal: null,
    duration_ms: Math.round(durationMs),
    stdin_bytes: 0,
    stdout_bytes: 0,
    stderr_bytes: 0,
  };
}
