import { limits } from '@rstream/protocol';
import { OpenCapability } from '@rstream/protocol/webtty';
import { RunningCommand, startCommand, type CommandOutcome, type OpenCommandOptions } from './command.ts';
import type { MessageStream } from './message-stream.ts';
import { openTerminalMessage, sizeMessage, type TerminalRequest, type TerminalViewport } from './terminal-request.ts';
import type { WebttyTransport } from './transport.ts';

/**
 * Opens a terminal on the device at the other end of `transport`, which this call owns from now on.
 *
 * @throws RstreamError as `openCommand`; `ERR_RSTREAM_COMMAND_UNSUPPORTED` when the device's policy offers no terminal,
 * `ERR_RSTREAM_TERMINAL_MISSING` when it has nothing to make one with.
 */
export async function openTerminal(
  transport: WebttyTransport,
  request: TerminalRequest,
  options: OpenCommandOptions = {},
): Promise<RemoteTerminal> {
  const { messages, ack, startedAt } = await startCommand(transport, () => openTerminalMessage(request), options);
  const window = ack.capabilities.includes(OpenCapability.OUTPUT_CREDIT) ? ack.outputWindow : undefined;
  const command = new RunningCommand(messages, {
    request: { argv: request.argv ?? [], killGraceMs: request.killGraceMs },
    ack,
    startedAt,
    signal: options.signal,
    // With credit the window is the bound, and a full queue must not hold other messages back.
    queueBytes: window === undefined ? limits.webtty.terminalWindow.default : limits.webtty.outputQueue.default,
  });
  const terminal = new RemoteTerminal(messages, command, window);
  // A published server learns the size only now.
  if (window === undefined) await terminal.resize(request);
  return terminal;
}

/** A terminal on a device, and the program on it. */
export class RemoteTerminal {
  /**
   * What to show. A chunk counts as consumed when the next one is asked for: ask when the viewer has taken it, not before,
   * because the device sends no more than `limits.webtty.terminalWindow` ahead of that.
   */
  readonly output: AsyncIterable<Uint8Array>;
  readonly #messages: MessageStream;
  readonly #command: RunningCommand;
  readonly #heartbeat: ReturnType<typeof setInterval>;

  /** Made by {@link openTerminal}. `window`: bytes that the server sends ahead; undefined when it takes no credit. */
  constructor(messages: MessageStream, command: RunningCommand, window: number | undefined) {
    this.#messages = messages;
    this.#command = command;
    this.output = window === undefined ? command.stdout : acknowledged(command.stdout, messages, window);
    this.#heartbeat = setInterval(() => this.#send({ kind: 'heartbeat' }), limits.webtty.heartbeatInterval.default);
    const stop = (): void => clearInterval(this.#heartbeat);
    command.wait().then(stop, stop);
  }

  /** Sends what was typed; settles when more may be sent. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#command.stdin.write(bytes);
  }

  /** Tells the program how large the viewer is. @throws RstreamError `ERR_RSTREAM_COMMAND_INVALID` */
  async resize(size: TerminalViewport): Promise<void> {
    await this.#messages.send(sizeMessage(size));
  }

  /** Sends a signal, by name, to the foreground. Rejects when the server has no such message: type Ctrl-C instead. */
  kill(signal = 'SIGTERM'): Promise<void> {
    return this.#command.kill(signal);
  }

  /** Hangs up: the device ends what runs on the terminal. */
  close(): void {
    this.#command.cancel();
  }

  /** Resolves when the program has ended and its output has arrived. Rejects when the connection broke before that. */
  wait(): Promise<CommandOutcome> {
    return this.#command.wait();
  }

  #send(message: Parameters<MessageStream['send']>[0]): void {
    // A connection that is gone shows itself where it is read.
    this.#messages.send(message).catch(() => undefined);
  }
}

/** Gives credit for what the reader has consumed, in a quarter of the window at a time. */
async function* acknowledged(source: AsyncIterable<Uint8Array>, messages: MessageStream, window: number): AsyncGenerator<Uint8Array> {
  let consumed = 0;
  for await (const chunk of source) {
    yield chunk;
    consumed += chunk.byteLength;
    if (consumed < window / 4) continue;
    messages.send({ kind: 'outputCredit', bytes: consumed }).catch(() => undefined);
    consumed = 0;
  }
}
