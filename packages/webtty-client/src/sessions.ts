import { limits, RstreamError } from '@rstream/protocol';
import { SessionRole, SessionsAction, type MessageOf, type SessionInfo } from '@rstream/protocol/webtty';
import { unexpected } from './ack.ts';
import { RunningCommand } from './command.ts';
import { MessageStream } from './message-stream.ts';
import { refusalError } from './refusal.ts';
import { openMessage, type CommandRequest } from './request.ts';
import { resumeCapabilities } from './session-messages.ts';
import { firstOpen, fromBase64Url, startSession, toBase64Url, type OpenCommandOptions } from './start.ts';
import type { WebttyTransport } from './transport.ts';

/** A read-only share of a terminal. */
export interface SessionShare {
  readonly shareId: string;
  /** base64url; whoever has it may look, for life. */
  readonly secret: string;
  readonly expiresAt: Date;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ShareOptions extends RequestOptions {
  /** Life of the share in ms; default and longest `limits.webtty.maxShareTime`. */
  readonly ttlMs?: number | undefined;
  /** base64url: secret of a session that is not one's own. */
  readonly secret?: string | undefined;
}

/**
 * The caller's sessions on the device at the other end of `transport`: running ones, and jobs that are kept.
 * @throws RstreamError with one of the codes of the connection, or of the device
 */
export async function listSessions(
  transport: WebttyTransport,
  options: RequestOptions & { readonly id?: string } = {},
): Promise<readonly SessionInfo[]> {
  const { sessions } = await ask(transport, request(SessionsAction.LIST, options.id ?? ''), options);
  return sessions;
}

/** Ends a session, and resolves when it has ended. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function endSession(transport: WebttyTransport, id: string, options: RequestOptions = {}): Promise<SessionInfo> {
  const { sessions } = await ask(transport, request(SessionsAction.END, id), options);
  const [info] = sessions;
  if (info === undefined) throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The device did not say how the session ended.');
  return info;
}

/** Removes what the device keeps of an ended job. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function forgetJob(transport: WebttyTransport, id: string, options: RequestOptions = {}): Promise<void> {
  await ask(transport, request(SessionsAction.FORGET, id), options);
}

/** Makes a read-only share of a running terminal. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND`, `ERR_RSTREAM_DEVICE_BUSY` */
export async function shareSession(transport: WebttyTransport, id: string, options: ShareOptions = {}): Promise<SessionShare> {
  const { ttlMs = 0, secret } = options;
  const proof = secret === undefined ? {} : { secret: fromBase64Url(secret) };
  const reply = await ask(transport, { ...request(SessionsAction.SHARE, id), ttlMs, ...proof }, options);
  return { shareId: reply.shareId, secret: toBase64Url(reply.shareSecret ?? new Uint8Array()), expiresAt: new Date(reply.expiresAtMs) };
}

/** Revokes a share, or all of a session, and ends who looks through it. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function unshareSession(
  transport: WebttyTransport,
  id: string,
  options: RequestOptions & { readonly shareId?: string } = {},
): Promise<void> {
  await ask(transport, { ...request(SessionsAction.UNSHARE, id), shareId: options.shareId ?? '' }, options);
}

/**
 * Starts a command that needs no connection, and resolves to its id once it runs. Its output is kept on the device.
 * @throws RstreamError as `openCommand`; `ERR_RSTREAM_COMMAND_UNSUPPORTED` from a device that keeps no jobs
 */
export async function startJob(transport: WebttyTransport, job: CommandRequest, options: OpenCommandOptions = {}): Promise<string> {
  const open = openMessage(job);
  const session = { detached: true, resumeMs: 0, label: options.label ?? '', record: false };
  const detached = { ...open, ...(open.config === undefined ? {} : { config: { ...open.config, session } }) };
  const { messages, ack } = await startSession(transport, () => firstOpen(detached, options), options);
  messages.close();
  if (ack.session === undefined) {
    throw new RstreamError('ERR_RSTREAM_COMMAND_UNSUPPORTED', 'This device keeps no jobs: the command was ended.');
  }
  return ack.session.id;
}

export interface ReadJobOptions extends OpenCommandOptions {
  /** Bytes of each stream to skip; default 0. */
  readonly stdoutOffset?: number | undefined;
  readonly stderrOffset?: number | undefined;
}

/**
 * Follows a job of one's own: its output from the given offsets on, to its end. `leave()` leaves it running, `cancel()` ends it.
 * @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND`
 */
export async function readJob(transport: WebttyTransport, id: string, options: ReadJobOptions = {}): Promise<RunningCommand> {
  const message: MessageOf<'resume'> = {
    kind: 'resume',
    sessionId: id,
    role: SessionRole.VIEWER,
    capabilities: resumeCapabilities,
    heartbeat: true,
    scrollback: 0,
    stdoutOffset: options.stdoutOffset ?? 0,
    stderrOffset: options.stderrOffset ?? 0,
    stdoutUnconsumed: 0,
    stderrUnconsumed: 0,
    tenure: 0,
  };
  const first = { message, role: SessionRole.VIEWER, secret: undefined, heartbeat: true, scrollback: 0 };
  const started = await startSession(transport, () => first, { ...options, signal: undefined });
  const command = new RunningCommand(started, { request: {}, signal: undefined });
  options.signal?.addEventListener('abort', () => command.leave(), { once: true });
  if (options.signal?.aborted === true) command.leave();
  return command;
}

type Request = MessageOf<'sessionsRequest'>;

const request = (action: number, sessionId: string): Request => ({ kind: 'sessionsRequest', action, sessionId, ttlMs: 0, shareId: '' });

async function ask(transport: WebttyTransport, message: Request, { signal }: RequestOptions): Promise<MessageOf<'sessionsReply'>> {
  const messages = new MessageStream(transport);
  const timer = setTimeout(() => messages.close(), limits.webtty.clientOpenTimeout.default);
  const stop = (): void => messages.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const [reply] = await Promise.all([readReply(messages), messages.send(message)]);
    return reply;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    messages.close();
  }
}

async function readReply(messages: MessageStream): Promise<MessageOf<'sessionsReply'>> {
  for (;;) {
    const message = await messages.read();
    if (message === undefined) throw new RstreamError('ERR_RSTREAM_WEBTTY_LOST', 'The device closed the connection before it answered.');
    if (message.kind === 'sessionsReply') return message;
    if (message.kind === 'error' || message.kind === 'protocolError') throw refusalError(message);
    if (message.kind !== 'heartbeat') throw unexpected(message);
  }
}
