import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import type { ExecResult } from '@rstream/protocol/exec';
import { openCommand, type CommandOutcome, type RunningCommand } from './command.ts';
import { KeptOutput } from './kept-output.ts';
import { outputText } from './output-text.ts';
import type { CommandRequest } from './request.ts';
import { readJob, type ReadJobOptions } from './sessions.ts';
import type { OpenCommandOptions } from './start.ts';
import type { CommandStdin } from './stdin.ts';
import type { WebttyTransport } from './transport.ts';

export interface CollectOptions extends OpenCommandOptions {
  /** Goes into the result as `url`. */
  readonly url: string;
  /** What the command reads; nothing when absent. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /**
   * Bytes of stdout and stderr together that the result keeps; of a longer stream its head and its tail. Default
   * `limits.webtty.keptOutput`.
   */
  readonly maxOutputBytes?: number | undefined;
}

/**
 * Runs a command to its end and returns the result that the CLI and MCP print. A command that ran out of time or was cancelled
 * is a result too; only a command that never ran, or whose connection broke, is an error.
 *
 * @throws RstreamError as {@link openCommand}. When the connection broke later (`ERR_RSTREAM_WEBTTY_LOST`, or the transport's own
 * error such as `SESSION_LOST`), `details.result` holds what had arrived.
 */
export async function collect(transport: WebttyTransport, request: CommandRequest, options: CollectOptions): Promise<ExecResult> {
  const limit = options.maxOutputBytes ?? limits.webtty.keptOutput.default;
  const kept = [new KeptOutput(limit), new KeptOutput(limit)] as const;
  const startedAt = performance.now();
  const result = (outcome: CommandOutcome): ExecResult => execResult({ url: options.url, request, outcome, kept, limit });
  const unknownEnd = (): CommandOutcome => ({ ...nothing, durationMs: performance.now() - startedAt });
  let command: RunningCommand;
  try {
    command = await openCommand(transport, { ...request, stdin: options.input !== undefined }, options);
  } catch (error) {
    if (RstreamError.is(error) && error.code === 'ERR_RSTREAM_COMMAND_CANCELLED') return result({ ...unknownEnd(), cancelled: true });
    throw error;
  }
  try {
    return result(await drain(command, kept, options.input));
  } catch (cause) {
    const { code, message, next } = toRstreamError(cause, 'ERR_RSTREAM_WEBTTY_LOST');
    throw new RstreamError(code, message, { next, cause, details: { result: result(unknownEnd()) } });
  }
}

export interface CollectJobOptions extends ReadJobOptions {
  /** Go into the result. */
  readonly url: string;
  readonly command: readonly string[];
  /** As of {@link CollectOptions}. */
  readonly maxOutputBytes?: number | undefined;
}

/**
 * Waits for a job of one's own to end and returns its result, as {@link collect} does. Aborting the signal leaves the job running:
 * then the result holds what there is, and neither exit code nor signal.
 *
 * @throws RstreamError as `readJob`, and as {@link collect} when the connection broke later.
 */
export async function collectJob(transport: WebttyTransport, id: string, options: CollectJobOptions): Promise<ExecResult> {
  const { url, command: argv, maxOutputBytes: limit = limits.webtty.keptOutput.default } = options;
  const kept = [new KeptOutput(limit), new KeptOutput(limit)] as const;
  const result = (outcome: CommandOutcome): ExecResult => execResult({ url, request: { argv }, outcome, kept, limit });
  const job = await readJob(transport, id, options);
  try {
    return result(await drain(job, kept, undefined));
  } catch (cause) {
    const { code, message, next } = toRstreamError(cause, 'ERR_RSTREAM_WEBTTY_LOST');
    throw new RstreamError(code, message, { next, cause, details: { result: result(nothing) } });
  }
}

const nothing: CommandOutcome = {
  exitCode: null,
  signal: null,
  timedOut: false,
  cancelled: false,
  stdoutBytes: 0,
  stderrBytes: 0,
  durationMs: 0,
};

async function drain(
  command: RunningCommand,
  [stdout, stderr]: readonly [KeptOutput, KeptOutput],
  input: CollectOptions['input'],
): Promise<CommandOutcome> {
  let inputError: unknown;
  void feed(command.stdin, input).catch((error: unknown) => {
    inputError = error;
    command.cancel();
  });
  await Promise.all([keep(command.stdout, stdout), keep(command.stderr, stderr)]);
  const outcome = await command.wait();
  if (inputError !== undefined) throw toRstreamError(inputError, 'ERR_RSTREAM_WEBTTY_INPUT');
  return outcome;
}

async function keep(stream: AsyncIterable<Uint8Array>, into: KeptOutput): Promise<void> {
  for await (const chunk of stream) into.push(chunk);
}

/** Rejects only when the input itself fails. Bytes that cannot be delivered are the command's affair: its end says what became of it. */
async function feed(stdin: CommandStdin, input: CollectOptions['input']): Promise<void> {
  if (input === undefined) return;
  const chunks = typeof input === 'string' ? [new TextEncoder().encode(input)] : input instanceof Uint8Array ? [input] : input;
  let broken = false;
  const onBroken = (): void => {
    broken = true;
  };
  for await (const chunk of chunks) {
    await stdin.write(chunk).catch(onBroken);
    if (broken) return;
  }
  await stdin.end().catch(onBroken);
}

interface ResultParts {
  readonly url: string;
  readonly request: CommandRequest;
  readonly outcome: CommandOutcome;
  readonly kept: readonly [KeptOutput, KeptOutput];
  readonly limit: number;
}

function execResult({ url, request, outcome, kept: [stdout, stderr], limit }: ResultParts): ExecResult {
  const { stdoutKept, stderrKept, ...text } = outputText(stdout, stderr, limit);
  const stdoutBytes = Math.max(outcome.stdoutBytes, stdout.totalBytes);
  const stderrBytes = Math.max(outcome.stderrBytes, stderr.totalBytes);
  const stdoutTruncated = stdoutBytes > stdoutKept;
  const stderrTruncated = stderrBytes > stderrKept;
  return {
    url,
    command: [...request.argv],
    exit_code: outcome.exitCode,
    signal: outcome.signal,
    timed_out: outcome.timedOut,
    cancelled: outcome.cancelled,
    ...text,
    truncated: stdoutTruncated || stderrTruncated,
    stdout_truncated: stdoutTruncated,
    stderr_truncated: stderrTruncated,
    stdout_bytes: stdoutBytes,
    stderr_bytes: stderrBytes,
    duration_ms: Math.round(outcome.durationMs),
  };
}
