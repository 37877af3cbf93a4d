import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportText, listRecordings, verifyRecording } from '@rstream/webtty-server';
import { factsOf, newDirectory, record } from './recording-world.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const lines = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index}\r\n`);

async function recorded(outputs: readonly string[], options: Parameters<typeof record>[0] = {}, facts = factsOf()): Promise<string[]> {
  const { observer, clock, end } = await record(options, facts);
  for (const text of outputs) {
    clock.ms += 100;
    observer.output('stdout', bytes(text));
  }
  return end();
}

describe('a check', () => {
  it('finds one changed byte anywhere in the recording and in its chain', async () => {
    const [path = ''] = await recorded(['hello\r\n', 'grüße\r\n']);
    expect(await verifyRecording(path)).toMatchObject({ state: 'intact' });
    for (const file of [path, `${path}.chain`]) {
      const good = readFileSync(file);
      for (let index = 0; index < good.length; index += 1) {
        for (const flip of [0x01, 0x20, 0x80]) {
          const bad = Buffer.from(good);
          bad[index] = (bad[index] ?? 0) ^ flip;
          writeFileSync(file, bad);
          expect((await verifyRecording(path)).state, `byte ${index} of ${basename(file)}`).not.toBe('intact');
        }
      }
      writeFileSync(file, good);
    }
    expect(await verifyRecording(path)).toMatchObject({ state: 'intact' });
  }, 60_000);

  it('says between which lines the change is', async () => {
    const { observer, end, clock } = await record();
    for (let index = 0; index < 10; index += 1) {
      clock.ms += 100;
      observer.output('stdout', Buffer.alloc(65_000, String(index)));
    }
    const [path = ''] = await end();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('9999', '9919'));
    const { state, lines: found } = await verifyRecording(path);
    expect(state).toBe('changed');
    expect(found?.from).toBeGreaterThan(2);
    expect(found?.to).toBeGreaterThanOrEqual(11);
  });

  it('tells a recording that was cut, one without an end, and one that has more', async () => {
    const [path = ''] = await recorded(lines(50));
    const [cast, chain] = [readFileSync(path), readFileSync(`${path}.chain`, 'utf8')];
    for (let size = 0; size < cast.length; size += 97) {
      truncateSync(path, size);
      expect(await verifyRecording(path)).toMatchObject({ state: expect.stringMatching(/cut|changed/) as string });
      writeFileSync(path, cast);
    }
    writeFileSync(path, Buffer.concat([cast, Buffer.from('[0.1,"o","more"]\n')]));
    expect(await verifyRecording(path)).toMatchObject({ state: 'changed', reason: expect.stringContaining('added') as string });
    writeFileSync(path, cast);
    const checkpoints = chain.split('\n').slice(0, -2);
    writeFileSync(`${path}.chain`, `${checkpoints.join('\n')}\n`);
    expect(await verifyRecording(path)).toMatchObject({ state: 'unfinished' });
    rmSync(`${path}.chain`);
    expect(await verifyRecording(path)).toMatchObject({ state: 'changed', reason: expect.stringContaining('missing') as string });
  });

  it('follows a session through its files: none may be missing after another, or be from elsewhere', async () => {
    const directory = newDirectory();
    const facts = factsOf({ id: 'long' });
    const paths = await recorded(lines(300), { directory, maxFileBytes: 4_000 }, facts);
    expect(paths.length).toBeGreaterThan(2);
    const [first = '', second = '', third = ''] = paths;
    const other = newDirectory();
    const foreign = await recorded(lines(300), { directory: other, maxFileBytes: 3_900 }, facts);
    expect(basename(foreign[1] ?? '')).toBe(basename(second));
    mkdirSync(join(directory, 'aside'));
    for (const ending of ['', '.chain']) {
      renameSync(second + ending, join(directory, 'aside', basename(second) + ending));
    }
    expect(await verifyRecording(first)).toMatchObject({ state: 'cut', reason: expect.stringContaining(basename(second)) as string });
    for (const ending of ['', '.chain']) copyFileSync((foreign[1] ?? '') + ending, second + ending);
    expect(await verifyRecording(first)).toMatchObject({ state: 'changed' });
    expect(await verifyRecording(second)).toMatchObject({ state: 'changed' });
    expect(await verifyRecording(third)).toMatchObject({ state: 'changed' });
    // The oldest files of a session may be gone because of their age.
    for (const ending of ['', '.chain']) {
      renameSync(join(directory, 'aside', basename(second) + ending), second + ending);
      rmSync(first + ending);
    }
    expect(await verifyRecording(second)).toMatchObject({ state: 'intact' });
  });
});

describe('a list', () => {
  it('says of each recording when, who, how long, and whether it has an end', async () => {
    const directory = newDirectory();
    const [path = ''] = await recorded(['a', 'b'], { directory });
    writeFileSync(join(directory, '20260102T030405.678Z-broken.cast'), 'nothing of ours');
    writeFileSync(join(directory, 'other.txt'), '');
    expect(await listRecordings(directory)).toMatchObject([
      { name: '20260102T030405.678Z-broken.cast', header: undefined, finished: false, durationUs: undefined },
      { name: basename(path), durationUs: 200_000, finished: true, header: { rstream: { user_id: 'ada@example.com' } } },
    ]);
    await expect(listRecordings(join(directory, 'none'))).rejects.toMatchObject({ code: 'ERR_RSTREAM_RECORDING_DIRECTORY' });
  });
});

describe('a recording as text', () => {
  async function textOf(outputs: readonly string[], facts = factsOf()): Promise<string> {
    const [path = ''] = await recorded(outputs, {}, facts);
    let text = '';
    for await (const line of exportText(path)) text += line;
    return text;
  }

  it('is what was on the screen: overwritten and erased parts are gone, and so is every escape sequence', async () => {
    const outputs = [
      '\u001b]0;title\u0007\u001b[1;31mred\u001b[0m\r\n',
      '10%\r20%\r',
      '100%\r\n',
      'tpyo\b\b\b\u001b[Kypo\r\n',
      '\u009b31mcsi\r\n',
      '$ ',
    ];
    expect(await textOf(outputs)).toBe('red\n100%\ntypo\ncsi\n$\n');
  });

  it('lacks what an editor drew on its own screen, also when the session ended in it', async () => {
    const editor = ['\u001b[?1049h\u001b[2J\u001b[H', '~ SECRET BUFFER\r\n', ...lines(100), ':wq'];
    expect(await textOf(['$ vi notes\r\n', ...editor, '\u001b[?1049l', '$ exit\r\n'])).toBe('$ vi notes\n$ exit\n');
    expect(await textOf(['$ vi notes\r\n', ...editor])).toBe('$ vi notes\n');
  });

  it('has every line of a long output once, in order, also around an editor and a resize', async () => {
    const all = lines(30_000);
    const directory = newDirectory();
    const { observer, end } = await record({ directory });
    observer.output('stdout', bytes(all.slice(0, 15_000).join('')));
    observer.output('stdout', bytes(`\u001b[?1049h${lines(200).join('')}\u001b[?1049l`));
    observer.resize({ row: 40, col: 100, xpixel: 0, ypixel: 0 });
    observer.output('stdout', bytes(all.slice(15_000).join('')));
    const [path = ''] = await end();
    let text = '';
    for await (const line of exportText(path)) text += line;
    expect(text.split('\n')).toEqual([...all.map((line) => line.trim()), '']);
  });

  it('joins lines that wrapped, and keeps what "clear" took from the screen', async () => {
    const long = 'word '.repeat(60).trim();
    expect(await textOf([`${long}\r\n`, 'before\r\n', '\u001b[H\u001b[2J\u001b[3J', 'after\r\n'])).toBe(`${long}\nbefore\nafter\n`);
  });

  it('of a program with pipes has both streams', async () => {
    const { observer, end } = await record({}, factsOf({ terminal: undefined }));
    observer.output('stdout', bytes('one\ntwo\n'));
    observer.output('stderr', bytes('oops\n'));
    const [path = ''] = await end();
    let text = '';
    for await (const line of exportText(path)) text += line;
    expect(text).toBe('one\ntwo\noops\n');
  });
});
