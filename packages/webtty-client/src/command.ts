import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import { DataType, OpenCapability, type MessageOf } from '@rstream/protocol/webtty';
import { unexpected } from './ack.ts';
import { Consumption, repaints } from './consumption.ts';
import type { Messages } from './messages.ts';
import { OutputQueue } from './output-queue.ts';
import { refusalError } from './refusal.ts';
import { openMessage, type CommandRequest } from './request.ts';
import { repaint } from './repaint.ts';
import { firstOpen, startSession, type OpenCommandOptions, type Started } from './start.ts';
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
  const started = await startSession(transport, () => firstOpen(openMessage(request), options), options);
  return new RunningCommand(started, { request, signal: options.signal });
}

/** What a terminal adds to a command. */
export interface TerminalEvents {
  /** The size of the terminal is now this one: another viewer controls it. */
  onSize(message: MessageOf<'parameter'>): void;
  onControl(message: MessageOf<'control'>): void;
  /** Set the whole screen as history and screen, not as the screen alone. */
  readonly clearsHistory: boolean;
}

export interface CommandParts {
  readonly request: Pick<CommandRequest, 'killGraceMs' | 'timeoutMs'>;
  readonly signal: AbortSignal | undefined;
  readonly terminal?: TerminalEvents | undefined;
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

  readonly #messages: Messages;
  readonly #start: Started;
  readonly #parts: CommandParts;
  readonly #probes = new Map<number, () => void>();
  readonly #queues: readonly [stdout: OutputQueue, stderr: OutputQueue];
  readonly #consumption: readonly [stdout: Consumption, stderr: Consumption];
  readonly #stdin: StdinWriter;
  readonly #received = [0, 0];
  readonly #outcome: Promise<CommandOutcome>;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #cancelTimer: ReturnType<typeof setTimeout> | undefined;
  #givenUp: 'timed out' | 'cancelled' | 'left' | undefined;
  #nextProbe = 1;

  /** Made by {@link openCommand}. */
  constructor(start: Started, parts: CommandParts) {
    const { messages, ack, resumable } = start;
    this.#messages = messages;
    this.#start = start;
    this.#parts = parts;
    this.hasContract = ack.capabilities.includes(OpenCapability.EXEC_CONTRACT);
    const window = ack.capabilities.includes(OpenCapability.OUTPUT_CREDIT) ? ack.outputWindow : undefined;
    // With credit the window is the bound, and a full queue must not hold other messages back.
    // A terminal draws once for all that has come meanwhile; drawing for each few kilobytes takes most of its time.
    const joins = parts.terminal === undefined ? undefined : (chunk: Uint8Array): boolean => !repaints.has(chunk);
    const queue = (): OutputQueue => new OutputQueue(limits.webtty.outputQueue.default, window === undefined, joins);
    this.#queues = [queue(), queue()];
    this.#consumption = [
      new Consumption({ messages, type: DataType.STDOUT, window }),
      new Consumption({ messages, type: DataType.STDERR, window }),
    ];
    this.stdout = this.#consumption[0].follow(this.#queues[0]);
    this.stderr = this.#consumption[1].follow(this.#queues[1]);
    this.#stdin = new StdinWriter(messages, this.hasContract ? ack.stdinWindow : Infinity);
    if (resumable !== undefined) resumable.onStdinWindow = (bytes) => this.#stdin.setCredit(bytes);
    this.stdin = this.#stdin;
    this.#armDeadline();
    parts.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#outcome = this.#run();
    // Whoever waits sees the failure; one that nobody waits for must not end the process.
    this.#outcome.catch(() => undefined);
    if (parts.signal?.aborted === true) this.cancel();
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
    this.#stopHolding();
    if (!this.hasContract) return this.#messages.close();
    this.#messages.send({ kind: 'signal', name: '', cancel: true }).catch(() => undefined);
    this.#cancelTimer = setTimeout(() => this.#messages.close(), this.#graceMs() + limits.webtty.cancelTimeout.default);
  }

  /** Control came or went: input that waits is for nobody, or for the new window. */
  setInputWindow(bytes: number): void {
    this.#stdin.setCredit(bytes);
  }

  /** Leaves the command without ending it: a job goes on, and so does a session until its time to be resumed is over. */
  leave(): void {
    this.#givenUp ??= 'left';
    this.#stopHolding();
    this.#messages.close();
  }

  /** Round trip to the device in ms, past everything that is under way. Rejects when the command ends first. */
  async latency(): Promise<number> {
    const id = this.#nextProbe++;
    const sentAt = performance.now();
    const answered = new Promise<void>((resolve) => this.#probes.set(id, resolve));
    await this.#messages.send({ kind: 'probe', id, reply: false });
    const ended = this.#outcome.then(() => {
      throw new RstreamError('ERR_RSTREAM_SESSION_ENDED');
    });
    await Promise.race([answered, ended]).finally(() => this.#probes.delete(id));
    return performance.now() - sentAt;
  }

  readonly #onAbort = (): void => this.cancel();

  /** The command is given up: output that nobody reads is dropped, and holds nothing back. */
  #stopHolding(): void {
    for (const queue of this.#queues) queue.dropOverflow();
    for (const consumption of this.#consumption) consumption.release();
  }

  #graceMs(): number {
    return this.#parts.request.killGraceMs ?? limits.webtty.killGrace.default;
  }

  /** With the contract the server keeps the deadline, and this timer only covers a server that does not answer. */
  #armDeadline(): void {
    const { timeoutMs } = this.#parts.request;
    if (timeoutMs === undefined) return;
    const slack = this.hasContract ? this.#graceMs() + limits.webtty.cancelTimeout.default : 0;
    this.#deadline = setTimeout(() => {
      this.#givenUp ??= 'timed out';
      this.#stopHolding();
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
      this.#parts.signal?.removeEventListener('abort', this.#onAbort);
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
        case 'snapshot':
          this.#takeSnapshot(message);
          break;
        case 'parameter':
          this.#parts.terminal?.onSize(message);
          break;
        case 'control':
          this.#parts.terminal?.onControl(message);
          break;
        case 'probe':
          if (message.reply) this.#probes.get(message.id)?.();
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

  #takeSnapshot(message: MessageOf<'snapshot'>): void {
    const { terminal } = this.#parts;
    if (terminal === undefined) throw unexpected(message);
    terminal.onSize({ kind: 'parameter', ...(message.size === undefined ? {} : { terminalSize: message.size }) });
    const chunk = repaint(message.screen ?? new Uint8Array(), terminal.clearsHistory);
    repaints.add(chunk);
    void this.#queues[0].push(chunk);
  }

  #takeData(message: MessageOf<'data'>): Promise<void> | undefined {
    const index = message.type === DataType.STDOUT ? 0 : message.type === DataType.STDERR ? 1 : undefined;
    if (index === undefined || message.encryptedData !== undefined) throw unexpected(message);
    if (message.data === undefined) {
      this.#queues[index].end();
      return undefined;
    }
    this.#consumption[index].receive(message.data.byteLength);
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
