import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import { OpenCapability, SessionRole, type MessageOf, type SessionHandle } from '@rstream/protocol/webtty';
import { readAck } from './ack.ts';
import { MessageStream } from './message-stream.ts';
import type { Messages } from './messages.ts';
import type { LinkState, Reconnect } from './reconnect.ts';
import { SessionMessages } from './session-messages.ts';
import type { WebttyTransport } from './transport.ts';

export interface OpenCommandOptions {
  /** Aborting it cancels the command: see {@link RunningCommand.cancel}. */
  readonly signal?: AbortSignal | undefined;
  /** Wait for the device to start the command, in ms; default `limits.webtty.clientOpenTimeout`. */
  readonly openTimeoutMs?: number | undefined;
  /**
   * Makes another connection to the same device. With it the session survives the loss of its connection: output and input go on
   * where they were. Without it, or with a device that cannot, a lost connection ends the command.
   */
  readonly reconnect?: Reconnect | undefined;
  /** Time in ms for which the device keeps a session without a connection; default `limits.webtty.resumeWindow`. */
  readonly resumeMs?: number | undefined;
  /** Told when the connection was lost, before each attempt to make it again, and when it is there again. */
  readonly onLink?: ((state: LinkState) => void) | undefined;
  /** What its owner calls the session; shown in lists. */
  readonly label?: string | undefined;
}

/** A first message, and how the session is come back to. */
export interface FirstMessage {
  readonly message: MessageOf<'open'> | MessageOf<'resume'>;
  readonly role: SessionRole;
  readonly secret: Uint8Array | undefined;
  readonly heartbeat: boolean;
  readonly scrollback: number;
}

/** A session that the device has started, or let us look at. */
export interface Started {
  readonly messages: Messages;
  /** The same messages, when they survive a lost connection. */
  readonly resumable: SessionMessages | undefined;
  readonly ack: MessageOf<'ack'>;
  readonly startedAt: number;
}

/** An open message with what the options ask for, and how to come back. */
export function firstOpen(open: MessageOf<'open'>, options: OpenCommandOptions, scrollback = 0): FirstMessage {
  const { reconnect, resumeMs = 0, label = '' } = options;
  const session = { detached: false, record: false, ...open.config?.session, resumeMs, label };
  const message =
    reconnect === undefined && label === '' && !session.record && !session.detached
      ? open
      : {
          ...open,
          capabilities: [...open.capabilities, ...(reconnect === undefined ? [] : [OpenCapability.RESUME])],
          ...(open.config === undefined ? {} : { config: { ...open.config, session } }),
        };
  const heartbeat = open.config?.options?.sendHeartbeat === true;
  return { message, role: SessionRole.CONTROLLER, secret: undefined, heartbeat, scrollback };
}

/** Makes and sends the first message and waits for the answer. Closes the transport when there is nothing to show for it. */
export async function startSession(
  transport: WebttyTransport,
  makeFirst: () => FirstMessage,
  options: OpenCommandOptions,
): Promise<Started> {
  const messages = new MessageStream(transport);
  const startedAt = performance.now();
  let stopped: RstreamError | undefined;
  let first: FirstMessage | undefined;
  /** The device may have started it already, and would wait for us to come back. */
  const cancelStart = (): void => {
    if (first?.message.kind === 'open') messages.send({ kind: 'signal', name: '', cancel: true }).catch(() => undefined);
  };
  const stop = (error: RstreamError): void => {
    stopped ??= error;
    cancelStart();
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
    first = makeFirst();
    const [ack] = await Promise.all([readAck(messages), messages.send(first.message)]);
    const resumable = resumableOf(messages, { first, ack, options });
    return { messages: resumable ?? messages, resumable, ack, startedAt };
  } catch (error) {
    messages.close();
    throw stopped ?? toRstreamError(error, 'ERR_RSTREAM_WEBTTY_LOST');
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', cancel);
  }
}

interface Answered {
  readonly first: FirstMessage;
  readonly ack: MessageOf<'ack'>;
  readonly options: OpenCommandOptions;
}

function resumableOf(messages: MessageStream, { first, ack, options }: Answered): SessionMessages | undefined {
  const { reconnect, onLink } = options;
  const { session } = ack;
  if (reconnect === undefined || session === undefined || !ack.capabilities.includes(OpenCapability.RESUME)) return undefined;
  const { role, heartbeat, scrollback } = first;
  const secret = session.secret ?? first.secret;
  return new SessionMessages({ messages, session, reconnect, secret, role, heartbeat, scrollback, onState: onLink });
}

/** The parts of a session that its owner needs to come back to it from elsewhere. */
export interface SessionKey {
  readonly id: string;
  /** base64url; whoever has it controls the session. */
  readonly secret: string | undefined;
}

export function sessionKey(session: SessionHandle | undefined): SessionKey | undefined {
  if (session === undefined) return undefined;
  return { id: session.id, secret: session.secret === undefined ? undefined : toBase64Url(session.secret) };
}

export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** Throws `ERR_RSTREAM_COMMAND_INVALID` for text that is not base64url. */
export function fromBase64Url(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_COMMAND_INVALID', 'The secret of a session or share is not one.', { cause });
  }
}
