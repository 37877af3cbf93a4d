import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '@rstream/protocol';
import { recordSessions, verifyRecording, type RecordingFailure } from '@rstream/webtty-server';
import { compileRules, redact } from '../src/recording/redaction.ts';
import { Timeline, type TextStream } from '../src/recording/timeline.ts';
import { factsOf, newDirectory, readCast, record, textOf } from './recording-world.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A text, cut where `cuts` say. */
function chunksOf(text: string, cuts: readonly number[]): string[] {
  const borders = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  return borders.slice(1).map((end, index) => text.slice(borders[index], end));
}

function drainAll(timeline: Timeline, last: boolean): string {
  let text = '';
  do
    text += timeline
      .drain(last)
      .map(({ data }) => data)
      .join('');
  while (!timeline.idle);
  return text;
}

describe('redaction', () => {
  const rules = [
    'hunter\\d+',
    '(?<=password: )\\S+',
    '\\btoken=[a-z]+\\b',
    '-----BEGIN[^-]{1,50}-----[^-]{0,2000}-----END[^-]{1,50}-----',
    '🔑.',
  ];
  const words = [
    'hunter2',
    'hunter',
    'password: ',
    'sesame ',
    'token=abc',
    'xtoken=abc',
    '-----BEGIN KEY-----\nAAAA\n',
    '-----END KEY-----',
    '🔑z',
    '\r\n',
    ' ',
  ];
  const filler = fc.integer({ min: 0, max: 3 * limits.webtty.redactionWindow.default }).map((length) => 'filler '.repeat(length / 7));
  const texts = fc.array(fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: filler }), {
    maxLength: 40,
  });
  const cuts = fc.array(fc.nat(40_000), { maxLength: 30 });

  it('is the same for a text in any chunks and batches as for the whole text', () => {
    const compiled = compileRules(rules);
    fc.assert(
      fc.property(texts, cuts, fc.array(fc.boolean(), { maxLength: 31 }), (parts, at, drains) => {
        const text = parts.join('');
        const timeline = new Timeline(compiled);
        let stored = '';
        for (const [index, chunk] of chunksOf(text, at).entries()) {
          // The clock stands still or jumps: chunks join one event, or do not.
          if (chunk !== '') timeline.addText('stdout', index * 50_000, chunk);
          if (drains[index] === true) stored += drainAll(timeline, false);
        }
        stored += drainAll(timeline, true);
        expect(stored).toBe(redact(compiled, text));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a secret out of the file, whatever the chunks and however the streams mix', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom<TextStream>('stdout', 'stderr', 'stdin'), fc.nat(3), fc.nat(400)), {
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { observer, clock, end } = await record(
          { input: true, redact: ['hunter2'] },
          factsOf({ argv: ['login', 'hunter2'], label: 'hunter2' }),
        );
        const pending: Record<TextStream, string> = { stdout: '', stderr: '', stdin: '' };
        const send = (stream: TextStream, text: string): void => {
          if (stream === 'stdin') observer.input(bytes(text));
          else observer.output(stream, bytes(text));
        };
        for (const [stream, length, wait] of all) {
          clock.ms += wait;
          pending[stream] ||= 'hunter2';
          send(stream, pending[stream].slice(0, length + 1));
          pending[stream] = pending[stream].slice(length + 1);
          if (wait > 380) observer.resize({ row: 20 + length, col: 80, xpixel: 0, ypixel: 0 });
        }
        for (const stream of ['stdout', 'stderr', 'stdin'] as const) send(stream, pending[stream]);
        const [path = ''] = await end();
        const cast = readCast(path);
        for (const code of ['o', 'i']) expect(textOf(cast, code)).toMatch(/^(?:\[redacted\])*$/);
        expect(readFileSync(path, 'utf8')).not.toContain('hunter2');
        expect(textOf(cast)).toContain(all.some(([stream]) => stream !== 'stdin') ? '[redacted]' : '');
        expect(await verifyRecording(path)).toMatchObject({ state: 'intact' });
      }),
      { numRuns: 60 },
    );
  });

  it('leaves the order and the times of what it does not touch', async () => {
    const { observer, clock, end } = await record({ redact: ['secret'] });
    for (const text of ['one', 'two', 'se', 'cret', 'three']) {
      clock.ms += 1_000;
      observer.output('stdout', bytes(text));
      if (text === 'two') observer.resize({ row: 30, col: 100, xpixel: 0, ypixel: 0 });
    }
    const [path = ''] = await end();
    expect(readCast(path).events).toEqual([
      [1, 'o', 'one'],
      [1, 'o', 'two'],
      [0, 'r', '100x30'],
      [1, 'o', '[redacted]'],
      [2, 'o', 'three'],
      [0, 'x', '0'],
    ]);
  });

  it('of a stream that fell silent does not hold the other one for ever', () => {
    const timeline = new Timeline(compileRules(['secret']));
    timeline.addText('stderr', 0, 'se');
    let stored = '';
    for (let at = 1; at <= 100; at += 1) {
      timeline.addText('stdout', at * 50_000, 'x'.repeat(10_000));
      stored += drainAll(timeline, false);
    }
    expect(stored.length).toBeGreaterThan(500_000);
    expect(timeline.size).toBeLessThan(2 * limits.webtty.recordingBatch.default);
    expect(drainAll(timeline, true)).toContain('se');
  });

  it.each([
    ['an unclosed group', ['(']],
    ['an unknown escape', ['\\q']],
    ['a rule that matches nothing', ['a*']],
    ['a rule that is too long', ['a'.repeat(limits.webtty.redactionRule.default + 1)]],
    ['too many rules', Array.from({ length: limits.webtty.redactionRules.default + 1 }, () => 'a')],
  ])('refuses %s at the start', async (_name, patterns) => {
    await expect(recordSessions({ mode: 'asked', directory: newDirectory(), redact: patterns })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_REDACTION_RULE',
    });
  });

  it('that backtracks without end ends the recording, not the process, and stores nothing of that batch', async () => {
    const failures: RecordingFailure[] = [];
    const { observer, end } = await record({ redact: ['(a+)+b'], onFailure: (failure) => failures.push(failure) });
    observer.output('stdout', bytes('a'.repeat(5_000)));
    await expect.poll(() => failures.length, { timeout: 10_000 }).toBe(1);
    const [path = ''] = await end();
    expect(failures).toMatchObject([{ error: { code: 'ERR_RSTREAM_REDACTION_RULE' } }]);
    expect(readCast(path).events).toMatchObject([[expect.any(Number), 'm', expect.stringContaining('recording truncated')]]);
    expect(await verifyRecording(path)).toMatchObject({ state: 'intact' });
  });
});
