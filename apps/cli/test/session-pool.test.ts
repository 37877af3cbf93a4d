import { EventEmitter } from 'node:events';
import { PassThrough, type Duplex } from 'node:stream';
import { RstreamError } from '@rstream/protocol';
import type { RelaySession } from '@rstream/tunnel-core';
import { expect, test } from 'vitest';
import { SessionPool } from '../src/operator/session-pool.ts';

/** As much of a session as the pool looks at. */
class FakeSession extends EventEmitter {
  readonly session = { isClosed: false, isDraining: false };
  readonly #closed = Promise.withResolvers<void>();
  readonly closed = this.#closed.promise;
  readonly streams: Duplex[] = [];

  async dial(target: string): Promise<Duplex> {
    if (this.session.isClosed) throw new RstreamError('ERR_RSTREAM_SESSION_CLOSED');
    if (target === 'nobody') throw new RstreamError('TUNNEL_NOT_FOUND');
    const stream = new PassThrough();
    this.streams.push(stream);
    return stream;
  }

  async close(): Promise<void> {
    this.session.isClosed = true;
    for (const stream of this.streams) stream.destroy();
    this.#closed.resolve();
    await this.closed;
  }
}

function poolOf({ idleMs = 60_000, gate = Promise.resolve() }: { idleMs?: number; gate?: Promise<void> } = {}) {
  const sessions: FakeSession[] = [];
  const pool = new SessionPool({
    idleMs,
    async connect() {
      await gate;
      const session = new FakeSession();
      sessions.push(session);
      return session as unknown as RelaySession;
    },
  });
  return { pool, sessions };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  );

test('any number of dials at the same time share one session', async () => {
  const { pool, sessions } = poolOf();
  await Promise.all(Array.from({ length: 50 }, () => pool.dial('dev')));
  expect(sessions.map(({ streams }) => streams.length)).toEqual([50]);
  await pool.close();
});

test('a session that died unnoticed is replaced under the dial, once', async () => {
  const { pool, sessions } = poolOf();
  await pool.dial('dev');
  (sessions[0] as FakeSession).session.isClosed = true;
  await pool.dial('dev');
  expect(sessions).toHaveLength(2);
  await pool.close();
});

test('a draining session is left for a new one, and its streams go on', async () => {
  const { pool, sessions } = poolOf();
  const stream = await pool.dial('dev');
  sessions[0]?.emit('drain', { retryAfterMs: 0 });
  await pool.dial('dev');
  expect({ sessions: sessions.length, running: !stream.destroyed }).toEqual({ sessions: 2, running: true });
  await pool.close();
  expect(stream.destroyed).toBe(true);
});

test('an answer of the far end is no reason for a new session', async () => {
  const { pool, sessions } = poolOf();
  expect(await codeOf(pool.dial('nobody'))).toBe('TUNNEL_NOT_FOUND');
  expect(sessions).toHaveLength(1);
  await pool.close();
});

test('who gives up while connecting does not end the attempt for the others', async () => {
  const gate = Promise.withResolvers<void>();
  const { pool, sessions } = poolOf({ gate: gate.promise });
  const stop = new AbortController();
  const given = codeOf(pool.dial('dev', { signal: stop.signal }));
  const patient = codeOf(pool.dial('dev'));
  stop.abort();
  expect(await given).toBe('ERR_RSTREAM_ABORTED');
  gate.resolve();
  expect(await patient).toBe('ok');
  expect(sessions).toHaveLength(1);
  await pool.close();
});

test('an idle session is closed, one in use is not', async () => {
  const { pool, sessions } = poolOf({ idleMs: 20 });
  const stream = await pool.dial('dev');
  expect(sessions[0]?.session.isClosed).toBe(false);
  // The pool's own timer does not keep a process alive; this one stands for the rest of a long-lived process.
  const alive = setInterval(() => {}, 1_000);
  stream.destroy();
  await sessions[0]?.closed;
  clearInterval(alive);
  expect(await codeOf(pool.dial('dev'))).toBe('ok');
  expect(sessions).toHaveLength(2);
  await pool.close();
});
