import { limits, RstreamError } from '@rstream/protocol';
import type { Caller } from '../caller.ts';
import type { Session } from './session.ts';

/** The sessions of one device that run, or that somebody may still come back to. */
export class SessionTable {
  readonly #sessions = new Map<string, Session>();
  readonly #kept = new Set<Session>();
  readonly #maxRunning: number;

  constructor(maxRunning: number) {
    this.#maxRunning = maxRunning;
  }

  /** Sessions whose program runs. */
  get running(): number {
    return this.#sessions.size - this.#kept.size;
  }

  /** @throws RstreamError `ERR_RSTREAM_DEVICE_BUSY` */
  assertRoom(starting: number): void {
    if (this.running + starting < this.#maxRunning) return;
    throw new RstreamError('ERR_RSTREAM_DEVICE_BUSY', `The device already runs ${this.running + starting} commands, its limit.`);
  }

  add(session: Session): void {
    this.#sessions.set(session.parts.id, session);
    void session.ended.then(() => this.#keep(session));
    void session.released.then(() => this.#drop(session));
  }

  all(): Session[] {
    return [...this.#sessions.values()];
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The session of that id if this caller opened it. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
  ownedBy(caller: Caller, id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined || !session.isOwner(caller)) throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND');
    return session;
  }

  /** Ended sessions are kept for who lost the connection, but never more of them than could run: the oldest goes. */
  #keep(session: Session): void {
    if (!this.#sessions.has(session.parts.id)) return;
    this.#kept.add(session);
    for (const oldest of this.#kept) {
      if (this.#kept.size <= Math.max(this.#maxRunning, limits.webtty.maxSessions.default)) break;
      this.#drop(oldest);
    }
  }

  #drop(session: Session): void {
    this.#kept.delete(session);
    if (this.#sessions.delete(session.parts.id)) session.dispose();
  }
}
