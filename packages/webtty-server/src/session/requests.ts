import { RstreamError } from '@rstream/protocol';
import { SessionsAction, type MessageOf, type SessionInfo } from '@rstream/protocol/webtty';
import type { Caller } from '../caller.ts';
import type { JobStore } from './job-store.ts';
import type { Session } from './session.ts';
import type { SessionTable } from './table.ts';

export interface RequestContext {
  readonly table: SessionTable;
  readonly jobs: JobStore | undefined;
  readonly caller: Caller;
}

type Reply = MessageOf<'sessionsReply'>;

const reply = (parts: Partial<Omit<Reply, 'kind'>> = {}): Reply => ({
  kind: 'sessionsReply',
  sessions: [],
  shareId: '',
  expiresAtMs: 0,
  ...parts,
});

/** Answers a question about sessions: a caller sees and changes those that it opened, or whose secret it has. */
export async function answerSessionsRequest(request: MessageOf<'sessionsRequest'>, context: RequestContext): Promise<Reply> {
  switch (request.action) {
    case SessionsAction.LIST:
      return reply({ sessions: await list(request, context) });
    case SessionsAction.END:
      return reply({ sessions: [await end(request, context)] });
    case SessionsAction.FORGET:
      await forget(request, context);
      return reply();
    case SessionsAction.SHARE: {
      const { shareId, secret, expiresAt } = running(request, context).shares.create(request.ttlMs);
      return reply({ shareId, shareSecret: secret, expiresAtMs: expiresAt });
    }
    case SessionsAction.UNSHARE:
      unshare(running(request, context), request.shareId);
      return reply();
    default:
      throw new RstreamError('ERR_RSTREAM_COMMAND_UNSUPPORTED', 'This device does not know such a request about sessions.');
  }
}

async function list({ sessionId }: MessageOf<'sessionsRequest'>, { table, jobs, caller }: RequestContext): Promise<SessionInfo[]> {
  const kept = (await jobs?.list(caller.userId ?? '')) ?? [];
  const live = table.all().filter((session) => session.isOwner(caller) && !kept.some(({ id }) => id === session.parts.id));
  const all = [...kept, ...live.map((session) => session.info())];
  if (sessionId === '') return all.toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  const found = all.filter(({ id }) => id === sessionId);
  if (found.length === 0) throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND');
  return found;
}

async function end(request: MessageOf<'sessionsRequest'>, context: RequestContext): Promise<SessionInfo> {
  const kept = await context.jobs?.find(request.sessionId, context.caller.userId ?? '');
  if (kept !== undefined) return kept.info;
  const session = running(request, context);
  session.end('cancel');
  await session.ended;
  return session.info();
}

async function forget({ sessionId }: MessageOf<'sessionsRequest'>, { table, jobs, caller }: RequestContext): Promise<void> {
  if (await jobs?.forget(sessionId, caller.userId ?? '')) return;
  const session = table.ownedBy(caller, sessionId);
  if (session.info().running) {
    throw new RstreamError('INVALID_REQUEST', 'The job still runs.', { next: 'Cancel it first: rstream webtty job cancel.' });
  }
  session.forget();
}

function unshare(session: Session, shareId: string): void {
  if (shareId === '') session.shares.clear();
  else if (!session.shares.revoke(shareId)) throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND', 'The session has no such share.');
}

function running({ sessionId, secret }: MessageOf<'sessionsRequest'>, { table, caller }: RequestContext): Session {
  if (secret === undefined) return table.ownedBy(caller, sessionId);
  const session = table.get(sessionId);
  if (session?.hasSecret(secret) !== true) throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND');
  return session;
}
