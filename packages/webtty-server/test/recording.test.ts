import { statSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '@rstream/protocol';
import { exportV2, recordSessions, verifyRecording, type RecordingFailure } from '@rstream/webtty-server';
import { castsIn, factsOf, newDirectory, readCast, record, textOf } from './recording-world.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const pipes = { terminal: undefined };

async function only(paths: Promise<string[]>): Promise<string> {
  const [path = '', ...more] = await paths;
  expect(more).toEqual([]);
  return path;
}

async function collect(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

describe('a recording', () => {
  it('is asciicast v3: header, events in order, intervals that sum up to the time of the session', async () => {
    const { observer, clock, end } = await record({ input: true }, factsOf({ label: 'deploy' }));
    clock.ms += 0.25;
    observer.output('stdout', bytes('$ '));
    clock.ms += 1_000.125;
    observer.input(bytes('ls\r'));
    clock.ms += 50;
    observer.resize({ row: 30, col: 100, xpixel: 0, ypixel: 0 });
    clock.ms += 3_333.333;
    observer.output('stdout', bytes('file\r\n'));
    clock.ms += 10.042;
    const cast = readCast(await only(end(7)));
    expect(cast.header).toMatchObject({
      version: 3,
      term: { cols: 80, rows: 24, type: 'xterm-256color' },
      timestamp: Date.parse('2026-01-02T03:04:05Z') / 1_000,
      command: 'sh -l',
      title: 'deploy',
      rstream: { part: 1, started_at: '2026-01-02T03:04:05.678Z', terminal: true, cwd: '/srv', user_id: 'ada@example.com' },
    });
    expect(cast.events).toEqual([
      [0.00025, 'o', '$ '],
      [1.000125, 'i', 'ls\r'],
      [0.05, 'r', '100x30'],
      [3.333333, 'o', 'file\r\n'],
      [0.010042, 'x', '7'],
    ]);
    expect(cast.events.reduce((sum, [interval]) => sum + interval, 0)).toBeCloseTo((clock.ms - 1_000) / 1_000, 6);
  });

  it('belongs to its owner alone, and so does its folder', async () => {
    const { directory, end } = await record();
    const path = await only(end());
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}.chain`).mode & 0o777).toBe(0o600);
    expect(basename(path)).toMatch(/^20260102T030405\.678Z-session\d+\.cast$/);
  });

  it('does not hold what was typed unless the device says so', async () => {
    const { observer, end } = await record();
    observer.input(bytes('hunter2\r'));
    expect(textOf(readCast(await only(end())), 'i')).toBe('');
  });

  it('has the exit code 128 + number for a signal', async () => {
    const { observer, recordings, directory } = await record();
    observer.end({ code: null, signal: 'SIGKILL' });
    await recordings.close();
    expect(readCast(castsIn(directory)[0] ?? '').events.at(-1)?.[2]).toBe('137');
  });

  it('keeps characters whole wherever a chunk ends, and replaces bytes that are none', async () => {
    const text = 'grüße 🌍 漢字 \u{1f469}\u200d\u{1f680}\r\n';
    const whole = bytes(text);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const { observer, end } = await record();
      observer.output('stdout', whole.subarray(0, cut));
      observer.output('stdout', whole.subarray(cut));
      observer.output('stdout', Uint8Array.of(0xff, 0xf0, 0x9f));
      expect(textOf(readCast(await only(end())))).toBe(`${text}\ufffd\ufffd`);
    }
  });

  it('of a program with pipes tells the error stream by a comment, with a decoder of its own, and has returns for a player', async () => {
    const { observer, end } = await record({}, factsOf(pipes));
    const [first, second] = [bytes('ü\n').subarray(0, 1), bytes('ü\n').subarray(1)];
    observer.output('stdout', first);
    observer.output('stderr', bytes('oops\n'));
    observer.output('stdout', second);
    const cast = readCast(await only(end()));
    expect(cast.events.map(([, code, data]) => [code, data])).toEqual([
      ['o', 'oops\r\n'],
      ['o', 'ü\r\n'],
      ['x', '0'],
    ]);
    expect(cast.comments).toEqual(['# stderr']);
  });

  it('is written while the session runs, many small outputs at once', async () => {
    const { observer, directory, recordings } = await record();
    for (let index = 0; index < 1_000; index += 1) observer.output('stdout', bytes('x'));
    await expect.poll(() => textOf(readCast(castsIn(directory)[0] ?? '')).length).toBe(1_000);
    expect(readCast(castsIn(directory)[0] ?? '').events).toHaveLength(1);
    observer.end({ code: 0, signal: null });
    await recordings.close();
  });

  it('as v2 has absolute times and the same events', async () => {
    const { observer, clock, end } = await record();
    for (const text of ['a', 'b', 'c']) {
      clock.ms += 1_000.001;
      observer.output('stdout', bytes(text));
    }
    const [header, ...events] = (await collect(exportV2(await only(end()))))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(header).toMatchObject({ version: 2, width: 80, height: 24, command: 'sh -l', env: { TERM: 'xterm-256color' } });
    expect(events).toEqual([
      [1.000001, 'o', 'a'],
      [2.000002, 'o', 'b'],
      [3.000003, 'o', 'c'],
      [3.000003, 'x', '0'],
    ]);
  });

  it('of any output in any chunks holds that output', async () => {
    const steps = fc.array(fc.record({ text: fc.string({ unit: 'binary', maxLength: 40 }), wait: fc.nat(20) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { observer, clock, end } = await record();
        for (const { text, wait } of all) {
          clock.ms += wait;
          observer.output('stdout', bytes(text));
        }
        const path = await only(end());
        const cast = readCast(path);
        expect(textOf(cast)).toBe(all.map(({ text }) => text).join(''));
        expect(cast.events.reduce((sum, [interval]) => sum + interval, 0)).toBeCloseTo((clock.ms - 1_000) / 1_000, 6);
        expect(await verifyRecording(path)).toMatchObject({ state: 'intact' });
      }),
      { numRuns: 40 },
    );
  });
});

describe('which sessions are recorded', () => {
  it.each([
    ['never', true, false],
    ['asked', false, false],
    ['asked', true, true],
    ['always', false, true],
    ['required', false, true],
  ] as const)('mode %s, client asked: %s → %s', async (mode, recordingAsked, expected) => {
    const recordings = await recordSessions({ mode, directory: newDirectory() });
    const observer = await recordings.observe(factsOf({ recordingAsked }));
    expect(observer !== undefined).toBe(expected);
    observer?.end({ code: 0, signal: null });
    await recordings.close();
  });

  it('a recording that cannot be opened is reported, and only a device that requires it refuses the session', async () => {
    for (const mode of ['always', 'required'] as const) {
      const failures: RecordingFailure[] = [];
      const recordings = await recordSessions({
        mode,
        directory: newDirectory(),
        onFailure: (failure) => failures.push(failure),
        openFile: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
      });
      const observing = Promise.resolve(recordings.observe(factsOf()));
      if (mode === 'always') expect(await observing).toBeUndefined();
      else await expect(observing).rejects.toMatchObject({ code: 'ERR_RSTREAM_RECORDING_REQUIRED' });
      expect(failures).toMatchObject([{ mustEnd: mode === 'required', error: { code: 'ERR_RSTREAM_RECORDING_FAILED' } }]);
      await recordings.close();
    }
  });

  it('never over a file that is there', async () => {
    const { directory, end } = await record({}, factsOf({ id: 'same' }));
    const path = await only(end());
    const before = readCast(path);
    const recordings = await recordSessions({ mode: 'required', directory });
    await expect(Promise.resolve(recordings.observe(factsOf({ id: 'same' })))).rejects.toMatchObject({
      code: 'ERR_RSTREAM_RECORDING_REQUIRED',
    });
    await recordings.close();
    expect(readCast(path)).toEqual(before);
  });

  it('none, when others can look into the folder or it is a file', async () => {
    const directory = newDirectory();
    await mkdir(directory, { mode: 0o755 });
    await expect(recordSessions({ mode: 'asked', directory })).rejects.toMatchObject({ code: 'ERR_RSTREAM_RECORDING_DIRECTORY' });
    writeFileSync(join(directory, 'file'), '');
    await expect(recordSessions({ mode: 'asked', directory: join(directory, 'file') })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_RECORDING_DIRECTORY',
    });
  });
});

describe('a long session', () => {
  it('goes on in further files, each a recording of its own, and the chain leads through all of them', async () => {
    const { observer, clock, end } = await record({ maxFileBytes: 20_000 });
    for (let index = 0; index < 100; index += 1) {
      clock.ms += 100;
      if (index === 50) observer.resize({ row: 10, col: 40, xpixel: 0, ypixel: 0 });
      observer.output('stdout', bytes(`${index} `.padEnd(1_000, 'x')));
    }
    const paths = await end();
    expect(paths.map((path) => basename(path).replace(/^.*session\d+/, ''))).toEqual([
      '.cast',
      ...[2, 3, 4, 5, 6].map((part) => `-${part}.cast`),
    ]);
    const casts = paths.map(readCast);
    expect(casts.map((cast) => textOf(cast)).join('')).toHaveLength(100_000);
    expect(casts.flatMap(({ events }) => events).reduce((sum, [interval]) => sum + interval, 0)).toBeCloseTo(10, 6);
    expect(casts.at(-1)?.header).toMatchObject({ version: 3, term: { cols: 40, rows: 10 }, rstream: { part: 6 } });
    for (const path of paths) {
      expect(statSync(path).size).toBeLessThan(20_000);
      expect(await verifyRecording(path)).toMatchObject({ state: 'intact' });
    }
  });
});

describe('old recordings', () => {
  async function make(directory: string, id: string, day: number, size: number): Promise<string> {
    const { observer, end } = await record({ directory }, factsOf({ id, startedAt: new Date(Date.UTC(2026, 0, day)) }));
    observer.output('stdout', Buffer.alloc(size, 'x'));
    const path = await only(end());
    await utimes(path, new Date(), new Date(Date.now() - (31 - day) * 86_400_000));
    return basename(path);
  }

  it('go by age, then the oldest until the rest fits; what is being written and what is not ours stays', async () => {
    const directory = newDirectory();
    await make(directory, 'expired', 3, 10);
    await make(directory, 'oldest', 10, 10_000);
    const young = await make(directory, 'young', 20, 10_000);
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    const removed: string[] = [];
    const options = { mode: 'always', directory, maxAgeMs: 25 * 86_400_000, maxTotalBytes: 15_000 } as const;
    const recordings = await recordSessions({ ...options, onRemoved: (names) => removed.push(...names) });
    const observer = await recordings.observe(factsOf({ id: 'active', startedAt: new Date(Date.UTC(2025, 0, 1)) }));
    await expect.poll(() => removed.length).toBe(2);
    expect((await readdir(directory)).sort()).toEqual(
      ['20250101T000000.000Z-active.cast', '20250101T000000.000Z-active.cast.chain', young, `${young}.chain`, 'notes.txt'].sort(),
    );
    observer?.end({ code: 0, signal: null });
    await recordings.close();
  });
});

describe('a disk that fails', () => {
  const openFailing = (after: number) => {
    let written = 0;
    return async (path: string) => {
      const file = await open(path, 'ax', 0o600);
      const full = await open('/dev/full', 'a');
      return {
        appendFile: async (data: string | Uint8Array) => {
          written += data.length;
          // What a disk does that fills up: some of it is there.
          if (written > after) {
            await file.appendFile(data.slice(0, 3));
            await full.appendFile(data);
          }
          await file.appendFile(data);
        },
        truncate: (length?: number | null) => file.truncate(length ?? 0),
        close: async () => {
          await full.close();
          await file.close();
        },
      };
    };
  };

  it('ends the recording and not the session; what is there stays readable and checks out up to its end', async () => {
    const failures: RecordingFailure[] = [];
    const { observer, directory, end } = await record({
      mode: 'required',
      openFile: openFailing(20_000),
      onFailure: (failure) => failures.push(failure),
    });
    observer.output('stdout', bytes('good\r\n'));
    await expect.poll(() => textOf(readCast(castsIn(directory)[0] ?? ''))).toBe('good\r\n');
    for (let index = 0; index < 60; index += 1) observer.output('stdout', Buffer.alloc(10_000, 'x'));
    await expect.poll(() => failures.length).toBe(1);
    observer.output('stdout', bytes('more'));
    const path = await only(end());
    expect(failures).toMatchObject([
      { mustEnd: true, error: { code: 'ERR_RSTREAM_RECORDING_FAILED', message: expect.stringContaining('ENOSPC') as string } },
    ]);
    expect(textOf(readCast(path))).toMatch(/^good\r\nx*$/);
    expect(await verifyRecording(path)).toMatchObject({ state: 'unfinished' });
  });

  it('that does not keep up ends the recording with a marker, and never holds more than its queue', async () => {
    const gate = Promise.withResolvers<void>();
    const failures: RecordingFailure[] = [];
    let headers = 0;
    const openFile = async (path: string) => {
      const file = await open(path, 'ax', 0o600);
      return {
        appendFile: async (data: string | Uint8Array) => {
          if (headers++ >= 3) await gate.promise;
          await file.appendFile(data);
        },
        truncate: (length?: number | null) => file.truncate(length ?? 0),
        close: () => file.close(),
      };
    };
    const { observer, end } = await record({ openFile, onFailure: (failure) => failures.push(failure) });
    const chunk = Buffer.alloc(65_536, 'x');
    let taken = 0;
    while (failures.length === 0 && taken < 4 * limits.webtty.recordingQueue.default) {
      observer.output('stdout', chunk);
      taken += chunk.length;
    }
    expect(taken).toBeLessThan(1.1 * limits.webtty.recordingQueue.default);
    expect(failures).toMatchObject([{ mustEnd: false, error: { code: 'ERR_RSTREAM_RECORDING_FAILED' } }]);
    gate.resolve();
    const path = await only(end());
    const cast = readCast(path);
    expect(cast.events.at(-1)).toMatchObject([expect.any(Number), 'm', expect.stringContaining('recording truncated')]);
    expect(textOf(cast).length).toBe(taken);
    expect(await verifyRecording(path)).toMatchObject({ state: 'intact' });
  });
});
