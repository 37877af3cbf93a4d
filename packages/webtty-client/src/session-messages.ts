import { limits, RstreamError } from '@rstream/protocol';
import {
  ControlAction,
  DataType,
  OpenCapability,
  type Message,
  type MessageOf,
  type SessionHandle,
  SessionRole,
  type TerminalSize,
} from '@rstream/protocol/webtty';
import { controlMessage } from './control-message.ts';
import type { Messages } from './messages.ts';
import { MessageStream } from './message-stream.ts';
import { resumeWithin, untilConnected, type LinkState, type Reconnect } from './reconnect.ts';
import { readAck } from './ack.ts';
import { UnacknowledgedInput } from './unacknowledged-input.ts';

/** Failures after which coming back would not help: what comes makes no sense, or the session is held elsewhere now. */
const final: ReadonlySet<string> = new Set(['ERR_RSTREAM_WEBTTY_PROTOCOL', 'ERR_RSTREAM_SESSION_REPLACED']);

type Known = Exclude<Message, { kind: 'unknown' }>;

/** Capabilities of a connection that continues a session. */
export const resumeCapabilities: readonly number[] = [OpenCapability.EXEC_CONTRACT, OpenCapability.OUTPUT_CREDIT, OpenCapability.RESUME];

export interface SessionMessagesOptions {
  /** The connection that the session starts with, and the session as its ack described it. */
  readonly messages: MessageStream;
  readonly session: SessionHandle;
  readonly reconnect: Reconnect;
  /** Secret to come back with; absent: the caller is known as the owner. */
  readonly secret: Uint8Array | undefined;
  readonly role: SessionRole;
  readonly heartbeat: boolean;
  /** Lines above the screen that are wanted when the screen is drawn anew. */
  readonly scrollback: number;
  readonly onState: ((state: LinkState) => void) | undefined;
}

/**
 * The messages of a session over one connection after another. Output continues at the byte where it was, input that a lost
 * connection may have swallowed is sent again from where the device says, and nobody above notices. Only reading notices a loss,
 * and reconnects.
 */
export class SessionMessages implements Messages {
  /** Called with the stdin bytes that may be sent on a new connection, beyond what is sent again. */
  onStdinWindow: ((bytes: number) => void) | undefined;
  /** Called with the role that the session has given on a new connection. */
  onRole: ((role: number) => void) | undefined;
  readonly #options: SessionMessagesOptions;
  readonly #input = new UnacknowledgedInput();
  readonly #closed = new AbortController();
  readonly #received: [number, number];
  readonly #unconsumed: [number, number] = [0, 0];
  readonly #hurry: { wake: (() => void) | undefined } = { wake: undefined };
  #messages: MessageStream | undefined;
  #inputEnded = false;
  #tenure: number;
  #size: TerminalSize | undefined;
  /** Signals for a device that cannot be reached now. */
  #signals: MessageOf<'signal'>[] = [];
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionMessagesOptions) {
    this.#options = options;
    this.#messages = options.messages;
    this.#tenure = options.session.tenure;
    this.#received = [options.session.stdoutOffset, options.session.stderrOffset];
    this.#watchSilence();
  }

  async read(): Promise<Message | undefined> {
    for (;;) {
      const messages = this.#messages;
      if (this.#closed.signal.aborted || messages === undefined) return undefined;
      try {
        const message = await messages.read();
        if (message === undefined) throw new RstreamError('ERR_RSTREAM_WEBTTY_LOST');
        return this.#note(message);
      } catch (cause) {
        if (this.#closed.signal.aborted) return undefined;
        if (RstreamError.is(cause) && final.has(cause.code)) throw cause;
        await this.#resume(cause);
      }
    }
  }

  async send(message: Known): Promise<void> {
    if (message.kind === 'parameter') this.#size = message.terminalSize;
    if (message.kind === 'outputCredit') this.#unconsumed[message.type === DataType.STDERR ? 1 : 0] -= message.bytes;
    if (message.kind === 'data') this.#inputEnded ||= message.eos === true;
    if (message.kind === 'signal' && this.#messages === undefined) this.#signals.push(message);
    await this.#carry((messages) => messages.send(message));
  }

  async sendData(type: DataType, payload: Uint8Array): Promise<void> {
    this.#input.push(payload);
    await this.#carry((messages) => messages.sendData(type, payload));
  }

  /** Ends the present connection, as a network that failed would: the session goes on over the next one. */
  interrupt(): void {
    this.#messages?.close();
  }

  /** Ends the present pause between two attempts. */
  hurry(): void {
    this.#hurry.wake?.();
  }

  close(): void {
    clearTimeout(this.#silence);
    this.#closed.abort();
    this.#messages?.close();
  }

  /** What fails to be sent shows itself where it is read, and is sent again where it matters. */
  async #carry(send: (messages: MessageStream) => Promise<void>): Promise<void> {
    const messages = this.#messages;
    if (messages === undefined) return;
    await send(messages).catch(() => undefined);
  }

  #note(message: Message): Message {
    this.#watchSilence();
    if (message.kind === 'data' && message.data !== undefined) {
      const stream = message.type === DataType.STDERR ? 1 : 0;
      this.#received[stream] += message.data.byteLength;
      this.#unconsumed[stream] += message.data.byteLength;
    } else if (message.kind === 'snapshot') {
      this.#received[0] = message.offset;
    } else if (message.kind === 'stdinCredit') {
      this.#input.takeMore(message.bytes);
    } else if (message.kind === 'control' && message.action === ControlAction.ROLE) {
      this.#tenure = message.tenure;
      this.#input.reset();
    } else if (message.kind === 'control' && message.action === ControlAction.REPLACED) {
      throw new RstreamError('ERR_RSTREAM_SESSION_REPLACED');
    } else if (message.kind === 'close') {
      void this.#carry((messages) => messages.send(controlMessage({ action: ControlAction.DONE })));
    }
    return message;
  }

  /** A connection on which the device's heartbeats stay out is lost, even if nobody said so. */
  #watchSilence(): void {
    if (!this.#options.heartbeat) return;
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.interrupt(), limits.webtty.heartbeatTimeout.default);
  }

  async #resume(cause: unknown): Promise<void> {
    const { session, onState } = this.#options;
    this.#messages?.close();
    this.#messages = undefined;
    clearTimeout(this.#silence);
    await untilConnected({
      attempt: (signal) => this.#attempt(signal),
      withinMs: resumeWithin(session.resumeMs),
      signal: this.#closed.signal,
      onState,
      cause,
      hurry: this.#hurry,
    });
    this.#watchSilence();
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(limits.webtty.clientOpenTimeout.default)]);
    const messages = new MessageStream(await this.#options.reconnect(bounded));
    const abort = (): void => messages.close();
    bounded.addEventListener('abort', abort, { once: true });
    try {
      const [ack] = await Promise.all([readAck(messages), messages.send(this.#resumeMessage())]);
      await this.#continue(messages, ack);
    } catch (error) {
      if (this.#messages === messages) this.#messages = undefined;
      messages.close();
      throw error;
    } finally {
      bounded.removeEventListener('abort', abort);
    }
  }

  #resumeMessage(): MessageOf<'resume'> {
    const { session, secret, role, heartbeat, scrollback } = this.#options;
    const [stdoutUnconsumed, stderrUnconsumed] = this.#unconsumed;
    const [stdoutOffset, stderrOffset] = this.#received;
    return {
      kind: 'resume',
      sessionId: session.id,
      ...(secret === undefined ? {} : { secret }),
      role,
      capabilities: resumeCapabilities,
      stdoutOffset,
      stderrOffset,
      stdoutUnconsumed,
      stderrUnconsumed,
      heartbeat,
      scrollback,
      tenure: this.#tenure,
      ...(this.#size === undefined ? {} : { terminalSize: this.#size }),
    };
  }

  /** Sends again what the device has not got, then makes this the connection that everything goes to. */
  async #continue(messages: MessageStream, { session, stdinWindow }: MessageOf<'ack'>): Promise<void> {
    let sent = 0;
    if (session !== undefined && session.tenure !== this.#tenure) {
      this.#tenure = session.tenure;
      this.#input.reset();
    }
    if (session?.role === SessionRole.CONTROLLER) {
      const waiting = limits.webtty.stdinWindow.default - stdinWindow;
      this.#input.take(session.stdinOffset - waiting);
      // Input may be added meanwhile; in the turn in which nothing is left, the connection takes over.
      for (;;) {
        const { chunks, bytes } = this.#input.from(session.stdinOffset + sent);
        if (bytes === 0) break;
        for (const chunk of chunks) await messages.sendData(DataType.STDIN, chunk);
        sent += bytes;
      }
      this.onStdinWindow?.(stdinWindow - sent);
    }
    this.#messages = messages;
    if (session !== undefined) this.onRole?.(session.role);
    if (this.#inputEnded) await messages.send({ kind: 'data', type: DataType.STDIN, eos: true });
    for (const signal of this.#signals.splice(0)) await messages.send(signal);
  }
}
