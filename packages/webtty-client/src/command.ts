import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import { DataType, OpenCapability, type Message, type MessageOf } from '@rstream/protocol/webtty';
import { MessageStream } from './message-stream.ts';
import { OutputQueue } from './output-queue.ts';
import { refusalError } from './refusal.ts';
import { openMessage, type CommandRequest } from './request.ts';
import { StdinWriter, type CommandStdin } from './stdin.ts';
import type { WebttyTransport } from './transport.ts';

/** How a command ended. */
export interface CommandOutcome {
  /** Null when a signal ended it, or when the end was not reported. */
  readonly exitCode: number | null;
  /** Name such as SIGTERM. A published server does not report signals. */
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
  /** Bytes that the command wrote; from a published server, bytes received. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** From the open message to the end, as seen here. */
  readonly durationMs: number;
}

export interface OpenCommandOptions {
  /** Aborting it cancels the command: see {@link RunningCommand.cancel}. */
  readonly signal?: AbortSignal | undefined;
  /** Wait for the device to start the command, in ms; default `limits.webtty.clientOpenTimeout`. */
  readonly openTimeoutMs?: number | undefined;
}

/**
 * Starts a command on the device at the other end of `transport`, which this call owns from now on: one connection runs one
 * command and is closed with it.
 *
 * @throws RstreamError with one of the `ERR_RSTREAM_COMMAND_…` codes, `ERR_RSTREAM_WEBTTY_…` or `ERR_RSTREAM_DEVICE_…`.
 */
export async function openCommand(
  transport: WebttyTransport,
  request: CommandRequest,
  options: OpenCommandOptions = {},
): Promise<RunningCommand> {
  const started = await startCommand(transport, () => openMessage(request), options);
  return new RunningCommand(started.messages, {
    ...started,
    request,
    signal: options.signal,
    queueBytes: limits.webtty.outputQueue.default,
  });
}

/** A command that the device has started. */
export interface StartedCommand {
  readonly messages: MessageStream;
  readonly ack: MessageOf<'ack'>;
  readonly startedAt: number;
}

/** Makes and sends the open message and waits for the answer. Closes the transport when there is no command to show for it. */
export async function startCommand(
  transport: WebttyTransport,
  makeOpen: () => MessageOf<'open'>,
  options: OpenCommandOptions,
): Promise<StartedCommand> {
  const messages = new MessageStream(transport);
  const startedAt = performance.now();
  let stopped: RstreamError | undefined;
  const stop = (error: RstreamError): void => {
    stopped ??= error;
    messages.close();
  };
  const cancel = (): void => stop(new RstreamError('ERR_RSTREAM_COMMAND_CANCELLED'));
  const timer = setTimeout(
    () => stop(new RstreamError('ERR_RSTREAM_WEBTTY_TIMEOUT')),
    options.openTimeoutMs ?? limits.webtty.clientOpenTimeout.default,
  );
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    if (options.signal?.aborted === true) throw new RstreamError('ERR_RSTREAM_COMMAND_CANCELLED');
    const open = makeOpen();
    const [ack] = await Promise.all([readAck(messages), messages.send(open)]);
    return { messages, ack, startedAt };
  } catch (error) {
    messages.close();
    throw stopped ?? toRstreamError(error, 'ERR_RSTREAM_WEBTTY_LOST');
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', cancel);
  }
}

async function readAck(messages: MessageStream): Promise<MessageOf<'ack'>> {
  for (;;) {
    const message = await messages.read();
    if (message === undefined)
      throw new RstreamError('ERR_RSTREAM_WEBTTY_LOST', 'The device closed the connection before the command started.');
    if (message.kind === 'ack') return message;
    if (message.kind === 'error' || message.kind === 'protocolError') throw refusalError(message);
    if (message.kind !== 'heartbeat') throw unexpected(message);
  }
}

const unexpected = (message: Message): RstreamError =>
  new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', `The device sent an unexpected "${message.kind}" message.`);

interface Start {
  readonly request: CommandRequest;
  readonly ack: MessageOf<'ack'>;
  readonly startedAt: number;
  readonly signal: AbortSignal | undefined;
  /** Output per stream that may wait for its reader. */
  readonly queueBytes: number;
}

/**
 * A command that runs on a device. Read `stdout` and `stderr` at the same time: an unread one, once it holds
 * `limits.webtty.outputQueue` bytes, holds the command back, as an unread pipe does.
 */
export class RunningCommand {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  readonly stdin: CommandStdin;
  /** True when the server speaks our extension: deadline, signals and totals are its own, not an estimate made here. */
  readonly hasContract: boolean;

  readonly #messages: MessageStream;
  readonly #start: Start;
  readonly #queues: readonly [stdout: OutputQueue, stderr: OutputQueue];
  readonly #stdin: StdinWriter;
  readonly #received = [0, 0];
  readonly #outcome: Promise<CommandOutcome>;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #cancelTimer: ReturnType<typeof setTimeout> | undefined;
  #givenUp: 'timed out' | 'cancelled' | undefined;

  /** Made by {@link openCommand}. */
  constructor(messages: MessageStream, start: Start) {
    this.#messages = messages;
    this.#start = start;
    this.hasContract = start.ack.capabilities.includes(OpenCapability.EXEC_CONTRACT);
    this.#queues = [new OutputQueue(start.queueBytes), new OutputQueue(start.queueBytes)];
    [this.stdout, this.stderr] = this.#queues;
    this.#stdin = new StdinWriter(messages, this.hasContract ? start.ack.stdinWindow : 0);
    this.stdin = this.#stdin;
    this.#armDeadline();
    start.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#outcome = this.#run();
    // Whoever waits sees the failure; one that nobody waits for must not end the process.
    this.#outcome.catch(() => undefined);
    if (start.signal?.aborted === true) this.cancel();
  }

  /** Resolves when the command has ended and all of its output has arrived. Rejects when the connection broke before that. */
  wait(): Promise<CommandOutcome> {
    return this.#outcome;
  }

  /** Sends a signal, by name, to the command and its children. Rejects when the server has no such message: use {@link cancel}. */
  async kill(signal = 'SIGTERM'): Promise<void> {
    if (!this.hasContract) throw new RstreamError('ERR_RSTREAM_COMMAND_UNSUPPORTED', 'This server takes no signals.');
    await this.#messages.send({ kind: 'signal', name: signal, cancel: false });
  }

  /**
   * Gives the command up: the device ends it with TERM, then KILL, and reports. When no report comes within the grace plus
   * `limits.webtty.cancelTimeout`, or the server has no such message, the connection is cut, which ends it too.
   */
  cancel(): void {
    if (this.#givenUp !== undefined) return;
    this.#givenUp = 'cancelled';
    for (const queue of this.#queues) queue.dropOverflow();
    if (!this.hasContract) return this.#messages.close();
    this.#messages.send({ kind: 'signal', name: '', cancel: true }).catch(() => undefined);
    this.#cancelTimer = setTimeout(() => this.#messages.close(), this.#graceMs() + limits.webtty.cancelTimeout.default);
  }

  readonly #onAbort = (): void => this.cancel();

  #graceMs(): number {
    return this.#start.request.killGraceMs ?? limits.webtty.killGrace.default;
  }

  /** With the contract the server keeps the deadline, and this timer only covers a server that does not answer. */
  #armDeadline(): void {
    const { timeoutMs } = this.#start.request;
    if (timeoutMs === undefined) return;
    const slack = this.hasContract ? this.#graceMs() + limits.webtty.cancelTimeout.default : 0;
    this.#deadline = setTimeout(() => {
      this.#givenUp ??= 'timed out';
      for (const queue of this.#queues) queue.dropOverflow();
      this.#messages.close();
    }, timeoutMs + slack);
  }

  async #run(): Promise<CommandOutcome> {
    try {
      const outcome = this.#outcomeOf(await this.#readUntilClose());
      for (const queue of this.#queues) queue.end();
      return outcome;
    } catch (cause) {
      if (this.#givenUp !== undefined) {
        for (const queue of this.#queues) queue.end();
        return this.#outcomeOf(undefined);
      }
      const error = toRstreamError(cause, 'ERR_RSTREAM_WEBTTY_LOST');
      for (const queue of this.#queues) queue.fail(error);
      throw error;
    } finally {
      clearTimeout(this.#deadline);
      clearTimeout(this.#cancelTimer);
      this.#start.signal?.removeEventListener('abort', this.#onAbort);
      this.#stdin.stop();
      this.#messages.close();
    }
  }

  async #readUntilClose(): Promise<MessageOf<'close'>> {
    for (;;) {
      const message = await this.#messages.read();
      if (message === undefined) throw new RstreamError('ERR_RSTREAM_WEBTTY_LOST');
      switch (message.kind) {
        case 'data':
          await this.#takeData(message);
          break;
        case 'close':
          return message;
        case 'stdinCredit':
          this.#stdin.addCredit(message.bytes);
          break;
        case 'heartbeat':
        case 'unknown':
          break;
        case 'error':
        case 'protocolError':
          throw refusalError(message);
        default:
          throw unexpected(message);
      }
    }
  }

  #takeData(message: MessageOf<'data'>): Promise<void> | undefined {
    const index = message.type === DataType.STDOUT ? 0 : message.type === DataType.STDERR ? 1 : undefined;
    if (index === undefined || message.encryptedData !== undefined) throw unexpected(message);
    if (message.data === undefined) {
      this.#queues[index].end();
      return undefined;
    }
    this.#received[index] = (this.#received[index] ?? 0) + message.data.byteLength;
    return this.#queues[index].push(message.data);
  }

  #outcomeOf(close: MessageOf<'close'> | undefined): CommandOutcome {
    const report = close?.report;
    const signal = report === undefined || report.signal === '' ? null : report.signal;
    const exited = close !== undefined && signal === null && close.returnCode >= 0;
    return {
      exitCode: exited ? close.returnCode : null,
      signal,
      timedOut: report?.timedOut ?? this.#givenUp === 'timed out',
      cancelled: report?.cancelled ?? this.#givenUp === 'cancelled',
      stdoutBytes: report?.stdoutBytes ?? this.#received[0] ?? 0,
      stderrBytes: report?.stderrBytes ?? this.#received[1] ?? 0,
      durationMs: performance.now() - this.#start.startedAt,
    };
  }
}
