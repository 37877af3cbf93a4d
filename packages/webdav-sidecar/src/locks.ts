import { randomUUID } from 'node:crypto';
import { limits } from '@rstream/protocol';
import { Failure } from './failure.ts';

/** A write lock (RFC 4918 §6 and §7). */
export interface Lock {
  readonly token: string;
  /** The key of the place that was locked. */
  readonly key: string;
  readonly deep: boolean;
  readonly exclusive: boolean;
  /** The owner element as it was given, or ''. */
  readonly owner: string;
  readonly timeoutMs: number;
  readonly expiresAt: number;
}

export interface LockRequest {
  readonly key: string;
  readonly deep: boolean;
  readonly exclusive: boolean;
  readonly owner: string;
  readonly timeoutMs: number;
}

/** What a change touches, for the question which lock tokens it needs. */
export interface Touched {
  readonly key: string;
  /** All below it changes as well (DELETE, MOVE). */
  readonly tree?: boolean;
  /** An entry appears or disappears in the folder that holds it. */
  readonly membership?: boolean;
}

/** Key of the folder that holds `key`; undefined for the root. */
export function parentKey(key: string): string | undefined {
  if (key === '') return undefined;
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

/** True when `key` is `ancestor` or below it. */
export const isWithin = (key: string, ancestor: string): boolean => ancestor === '' || key === ancestor || key.startsWith(`${ancestor}/`);

/** All locks of one sidecar, in memory. Time is monotonic, so a change of the clock neither ends nor extends a lock. */
export class LockTable {
  readonly #locks = new Map<string, Lock>();
  readonly #byKey = new Map<string, Set<Lock>>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Locks that hold for `key`: its own, and deep ones of the folders around it. */
  covering(key: string): Lock[] {
    if (this.#locks.size === 0) return [];
    const found = this.#at(key);
    for (let above = parentKey(key); above !== undefined; above = parentKey(above))
      found.push(...this.#at(above).filter(({ deep }) => deep));
    return found;
  }

  /** True when `token` is a lock that holds for `key`. */
  covers(token: string, key: string): boolean {
    return this.covering(key).some((lock) => lock.token === token);
  }

  /** Takes a lock. Throws 423 when another one is in the way, 503 when there are too many. */
  take(request: LockRequest): Lock {
    const below = request.deep ? this.#below(request.key) : [];
    const conflict = [...this.covering(request.key), ...below].find((lock) => lock.exclusive || request.exclusive);
    if (conflict !== undefined) throw new Failure(423, 'The resource is locked.', { condition: 'no-conflicting-lock', href: conflict.key });
    this.#prune();
    if (this.#locks.size >= limits.webdav.locks.default)
      throw new Failure(503, 'There are too many locks.', { headers: { 'retry-after': '60' } });
    const lock: Lock = { ...request, token: `opaquelocktoken:${randomUUID()}`, expiresAt: this.#now() + request.timeoutMs };
    this.#put(lock);
    return lock;
  }

  /** Starts the life of a lock again. Undefined when `token` holds no lock on `key`. */
  refresh(token: string, key: string, timeoutMs: number): Lock | undefined {
    const lock = this.covering(key).find((held) => held.token === token);
    if (lock === undefined) return undefined;
    this.release(token);
    const refreshed = { ...lock, timeoutMs, expiresAt: this.#now() + timeoutMs };
    this.#put(refreshed);
    return refreshed;
  }

  /** Ends a lock. */
  release(token: string): void {
    const lock = this.#locks.get(token);
    if (lock === undefined) return;
    this.#locks.delete(token);
    const same = this.#byKey.get(lock.key);
    same?.delete(lock);
    if (same?.size === 0) this.#byKey.delete(lock.key);
  }

  /** Ends all locks on `key` and below: a removed or moved resource takes none along. */
  releaseTree(key: string): void {
    for (const lock of this.#locks.values()) if (isWithin(lock.key, key)) this.release(lock.token);
  }

  /** Throws 423 unless `tokens` hold one lock of every set of locks that the change touches. */
  assertAllowed(touched: Touched, tokens: ReadonlySet<string>): void {
    if (this.#locks.size === 0) return;
    const parent = touched.membership === true ? parentKey(touched.key) : undefined;
    const concerned = new Set([
      ...this.covering(touched.key),
      ...(touched.tree === true ? this.#below(touched.key) : []),
      ...(parent === undefined ? [] : this.covering(parent)),
    ]);
    // Shared locks on one resource: the token of any of them is enough.
    const satisfied = new Set([...concerned].filter(({ token }) => tokens.has(token)).map(({ key }) => key));
    const missing = [...concerned].find(({ key }) => !satisfied.has(key));
    if (missing !== undefined) throw new Failure(423, 'The resource is locked.', { condition: 'lock-token-submitted', href: missing.key });
  }

  /** Milliseconds that a lock has left. */
  remaining(lock: Lock): number {
    return Math.max(0, lock.expiresAt - this.#now());
  }

  #put(lock: Lock): void {
    this.#locks.set(lock.token, lock);
    const same = this.#byKey.get(lock.key) ?? new Set();
    this.#byKey.set(lock.key, same.add(lock));
  }

  #at(key: string): Lock[] {
    const found = [...(this.#byKey.get(key) ?? [])];
    return found.filter((lock) => this.#alive(lock));
  }

  #below(key: string): Lock[] {
    return [...this.#locks.values()].filter((lock) => isWithin(lock.key, key) && this.#alive(lock));
  }

  #alive(lock: Lock): boolean {
    if (lock.expiresAt > this.#now()) return true;
    this.release(lock.token);
    return false;
  }

  #prune(): void {
    for (const lock of this.#locks.values()) this.#alive(lock);
  }
}
