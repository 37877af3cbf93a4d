import { limits } from '@rstream/protocol';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Batch } from '../src/mux/batch.ts';
import { FloodGuard, type FloodKind } from '../src/mux/flood-guard.ts';
import { wireWindow } from '../src/mux/frame.ts';
import { Inbox, compact } from '../src/mux/inbox.ts';
import { ReceiveWindow, type WindowBudget } from '../src/mux/receive-window.ts';

const mebibyte = 1024 * 1024;

describe('a receive window', () => {
  /** A budget with a clock and a memory that the test sets. */
  function budget(options: { memory?: number; rtt?: number } = {}): WindowBudget & { time: number; memory: number } {
    return {
      initialWindow: mebibyte,
      maxWindow: 4 * mebibyte,
      memory: options.memory ?? 64 * mebibyte,
      time: 0,
      reserve(bytes) {
        if (bytes > this.memory) return false;
        this.memory -= bytes;
        return true;
      },
      release(bytes) {
        this.memory += bytes;
      },
      tuningRtt: () => options.rtt,
      now() {
        return this.time;
      },
    };
  }

  /** Lets the peer fill the window and the reader empty it, half a window each `ms`, and counts what was granted. */
  function run(window: ReceiveWindow, clock: { time: number }, { rounds, ms }: { rounds: number; ms: number }): void {
    window.announce();
    let consumed = 0;
    for (let round = 0; round < rounds; round += 1) {
      const part = window.size / 2;
      expect(window.admit(part)).toBe(true);
      consumed += part;
      clock.time += ms;
      window.credit(consumed);
    }
  }

  test('starts at the initial size, of which the wire grants 256 KiB by itself', () => {
    const window = new ReceiveWindow(budget());
    expect(window.size).toBe(mebibyte);
    expect(window.announce()).toBe(mebibyte - wireWindow);
    expect(window.admit(mebibyte)).toBe(true);
    expect(window.admit(1)).toBe(false);
  });

  test('starts at 256 KiB when the session has no memory left', () => {
    const window = new ReceiveWindow(budget({ memory: 1000 }));
    expect(window.announce()).toBe(0);
    expect(window.admit(wireWindow + 1)).toBe(false);
  });

  test('grants nothing until half of it was consumed', () => {
    const window = new ReceiveWindow(budget());
    window.announce();
    window.admit(mebibyte);
    expect(window.credit(mebibyte / 2 - 1)).toBe(0);
    expect(window.credit(mebibyte / 2)).toBe(mebibyte / 2);
    expect(window.credit(mebibyte / 2)).toBe(0);
  });

  test('grows up to its limit while half of it lasts about a round trip or less', () => {
    const clock = budget({ rtt: 50 });
    const window = new ReceiveWindow(clock);
    run(window, clock, { rounds: 10, ms: 60 });
    expect(window.size).toBe(4 * mebibyte);
  });

  test('stays when it is not what holds the stream back, or when the round trip is unknown', () => {
    for (const clock of [budget({ rtt: 5 }), budget()]) {
      const window = new ReceiveWindow(clock);
      run(window, clock, { rounds: 10, ms: 10 });
      expect(window.size).toBe(mebibyte);
    }
  });

  test('stays when the memory of the session is spent, and gives all of its own back', () => {
    const clock = budget({ rtt: 50, memory: 2 * mebibyte });
    const window = new ReceiveWindow(clock);
    run(window, clock, { rounds: 10, ms: 10 });
    expect(window.size).toBe(2 * mebibyte);
    window.close();
    window.close();
    expect(clock.memory).toBe(2 * mebibyte);
  });
});

describe('an inbox', () => {
  test('gives back exactly what was put in, for any sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 9000 }), { maxLength: 20 }), (pieces) => {
        const inbox = new Inbox();
        for (const piece of pieces) inbox.add(Buffer.from(piece));
        const all = Buffer.concat(pieces);
        expect(inbox.bytes).toBe(all.length);
        const out: Buffer[] = [];
        for (let block = inbox.shift(); block !== undefined; block = inbox.shift()) out.push(block);
        expect(Buffer.concat(out).equals(all)).toBe(true);
        expect(inbox.bytes).toBe(0);
      }),
    );
  });

  test('keeps large pieces as they are and joins small ones', () => {
    const inbox = new Inbox();
    const large = Buffer.alloc(20_000);
    inbox.add(large);
    for (let index = 0; index < 200; index += 1) inbox.add(Buffer.from('x'));
    expect(inbox.shift()).toBe(large);
    expect(inbox.shift()).toHaveLength(200);
  });

  test('does not pin a large chunk with a small part of it', () => {
    const chunk = Buffer.alloc(65_536);
    expect(compact(chunk.subarray(0, 100)).buffer.byteLength).toBe(100);
    expect(compact(chunk.subarray(0, 20_000)).buffer).toBe(chunk.buffer);
  });
});

describe('a batch', () => {
  test('lays headers and small payloads side by side and references large ones', () => {
    const batch = new Batch(100);
    const large = Buffer.alloc(101, 2);
    batch.data(1, 3);
    batch.payload(Buffer.from('abc'));
    batch.data(3, 101);
    batch.payload(large);
    batch.control(0x1_0000, 3, 9);
    expect(batch.bytes).toBe(12 * 3 + 3 + 101);
    const { buffers } = batch.take();
    expect(buffers.map((buffer) => buffer.length)).toEqual([27, 101, 12]);
    expect(buffers[1]).toBe(large);
    expect(batch.bytes).toBe(0);
    expect(batch.take().buffers).toEqual([]);
  });
});

describe('the flood guard', () => {
  test.each([
    ['pings', limits.mux.floodPings.default],
    ['resets', limits.mux.floodResets.default],
    ['empty', limits.mux.floodEmpty.default],
  ] as Array<[FloodKind, number]>)('allows %s at their rate for ever, and a burst of ten seconds', (kind, perSecond) => {
    const guard = new FloodGuard(0);
    let refused = 0;
    for (let second = 1; second <= 100; second += 1) {
      for (let count = 0; count < perSecond; count += 1) refused += guard.allows(kind, second * 1000) ? 0 : 1;
    }
    expect(refused).toBe(0);
    const burst = new FloodGuard(0);
    for (let count = 0; count < perSecond * 10; count += 1) burst.allows(kind, 0);
    expect(burst.allows(kind, 0)).toBe(false);
    expect(burst.allows(kind, 1000)).toBe(true);
  });
});
