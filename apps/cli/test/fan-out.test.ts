import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { settleEach } from '../src/fan-out/each.ts';
import { PrefixedLines } from '../src/fan-out/prefixed-lines.ts';
import { fanOutStatus, summarize, summaryText } from '../src/fan-out/summary.ts';
import { Desk } from './support/desk.ts';
import { file, gone, World } from './support/world.ts';

/** Real processes, several a test, on machines that have other things to do. */
vi.setConfig({ testTimeout: 60_000 });

let here: World;
const desks: Desk[] = [];

beforeAll(async () => {
  here = await World.open();
  const lab = ['--label', 'site=lab'];
  await Promise.all([here.device('one', ...lab), here.device('two', ...lab), here.device('else')]);
}, 60_000);

afterEach(() => {
  for (const desk of desks.splice(0)) desk.leave();
});

afterAll(async () => {
  await here.close();
}, 30_000);

interface FanOutJson {
  readonly results: readonly Record<string, unknown>[];
  readonly errors: readonly Record<string, unknown>[];
  readonly summary: Record<string, unknown>;
}

async function exec(...args: string[]): Promise<{ code: number | null; stderr: string; json: FanOutJson }> {
  const { code, stdout, stderr } = await here.run(['webtty', 'exec', ...args]);
  return { code, stderr, json: (stdout === '' ? {} : JSON.parse(stdout)) as FanOutJson };
}

/** Ends with another code on each device: that of its process decides. */
const byName = ['sh', '-c', 'echo out; echo err >&2; exit 0'];

describe('exec on several devices', () => {
  test('--all --filter gives a result of every matching device, in the order of their names', async () => {
    const { code, json } = await exec('--all', '--filter', 'labels.site=lab', '--', ...byName);
    expect(code).toBe(0);
    expect(json.results.map(({ target, url, stdout, stderr, exit_code: exit }) => [target, url, stdout, stderr, exit])).toEqual([
      ['one', 'rstrm://one', 'out\n', 'err\n', 0],
      ['two', 'rstrm://two', 'out\n', 'err\n', 0],
    ]);
    expect(json.errors).toEqual([]);
    expect(json.summary).toEqual({ total: 2, ok: 2, failed: 0, errors: 0, duration_ms: expect.any(Number) as number });
  });

  test('a device that fails hides no other: its error stands beside their results, and the exit code is 1', async () => {
    const { code, json } = await exec('--url', 'rstrm://one', '--url', 'rstrm://nobody', '--url', 'two', '--', 'echo', 'here');
    expect(code).toBe(1);
    expect(json.results.map(({ target, stdout }) => [target, stdout])).toEqual([
      ['one', 'here\n'],
      ['two', 'here\n'],
    ]);
    expect(json.errors).toEqual([
      {
        target: 'nobody',
        url: 'rstrm://nobody',
        error: expect.objectContaining({ code: 'TUNNEL_NOT_FOUND', next: expect.any(String) as string }) as object,
      },
    ]);
    expect(json.summary).toMatchObject({ total: 3, ok: 2, failed: 0, errors: 1 });
  });

  test.each([
    ['some ended otherwise', ['--all', '--', 'sh', '-c', 'exit 3'], 1],
    ['none could run it', ['--all', '--', 'no-such-program'], 125],
    ['none is known', ['--url', 'rstrm://a', '--url', 'rstrm://b', '--', 'true'], 125],
  ])('exits for a script to tell: %s', async (_, args, code) => {
    expect((await exec(...args)).code).toBe(code);
  });

  test('no device at all is an error of its own', async () => {
    const { code, stderr } = await exec('--all', '--filter', 'labels.site=moon', '--', 'true');
    expect(code).toBe(125);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'ERR_RSTREAM_FAN_OUT_EMPTY',
      message: expect.stringContaining('labels.site=moon') as string,
    });
  });

  test('text has every line whole behind the name of its device, and a summary', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do echo "line $i"; done; printf last; echo oops >&2; exit 4';
    const { code, stdout, stderr } = await here.run(['webtty', 'exec', '--all', '-o', 'text', '--shell', script]);
    expect(code).toBe(1);
    const lines = stdout.split('\n').slice(0, -1);
    for (const name of ['one ', 'two ', 'else']) {
      const own = lines.filter((line) => line.startsWith(`${name} | `)).map((line) => line.slice(name.length + 3));
      expect(own).toEqual([...Array.from({ length: 9 }, (_, at) => `line ${at + 1}`), 'last']);
    }
    expect(lines).toHaveLength(30);
    expect(stderr).toMatch(/^two {2}\| oops$/m);
    expect(stderr).toMatch(/^two {2}\| exit 4$/m);
    expect(stderr).toMatch(/^3 devices: 0 ok, 3 failed \(else, one, two\), \d+\.\d s$/m);
  });

  test('stdin goes to each of them', async () => {
    const { code, stdout } = await here.run(['webtty', 'exec', '--all', '-i', '-o', 'text', '--', 'wc', '-c'], {
      input: Buffer.alloc(200_000, 'x'),
    });
    expect(code).toBe(0);
    expect(stdout.match(/\| *200000$/gm)).toHaveLength(3);
  });

  test('Ctrl-C ends it on every device', async () => {
    const markers = ['one', 'two'].map((name) => here.path(`running-${name}`));
    const script = `me=${here.path('running')}-$(mkdir ${here.path('first')} 2>/dev/null && echo one || echo two); trap 'rm $me; exit' TERM; touch $me; sleep 60 & wait`;
    const child = here.start(['webtty', 'exec', '--all', '--filter', 'labels.site=lab', '--shell', script]);
    child.stdout.resume();
    await Promise.all(markers.map(file));
    const end = once(child, 'close') as Promise<[number | null]>;
    child.kill('SIGINT');
    expect((await end)[0]).toBe(130);
    await Promise.all(markers.map(gone));
  });

  test.skipIf(process.platform !== 'linux')(
    'on a terminal it says to how many devices it goes, and no output can take another name',
    async () => {
      const desk = new Desk(here, ['webtty', 'exec', '--all', '-o', 'text', '--', 'printf', String.raw`a\rtwo  | b\033[2J\033[31mred\n`]);
      desks.push(desk);
      expect(await desk.ends()).toBe(0);
      expect(desk.screen).toMatch(/Running on 3 devices: else, one, two\r/);
      // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
      expect(desk.screen).toMatch(/one {2}\| \u001B\[39ma�two {2}\| b�\[2J\u001B\[31mred\u001B\[0m\r\n/);
    },
  );

  test.each([
    [['--all', '--url', 'rstrm://a'], /exclude each other/],
    [['--filter', 'x'], /Say which device/],
    [['--url', 'rstrm://a', '--filter', 'x'], /--filter goes with --all/],
    [['--all', '-t'], /-t\) is of one device/],
    [['--all', '--detach'], /--detach\) is of one device/],
    [['--all', '--concurrency', '0'], /whole number from 1 to 64/],
    [['--url', 'rstrm://a', '-t', '-o', 'json'], /no JSON form/],
  ])('%j makes no sense', async (args, message) => {
    const { code, stderr } = await exec(...args, '--', 'true');
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

test('at most so many run at once, and results are in the order of the items', async () => {
  let running = 0;
  let most = 0;
  const results = await settleEach([5, 1, 4, 2, 3, 0], 3, async (item) => {
    most = Math.max(most, (running += 1));
    for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
    running -= 1;
    if (item === 4) throw new Error('four');
    return item * 10;
  });
  expect(most).toBe(3);
  expect(results).toEqual([{ value: 50 }, { value: 10 }, { error: new Error('four') }, { value: 20 }, { value: 30 }, { value: 0 }]);
});

test('a summary names who failed, but not a whole fleet', () => {
  const ends = Array.from({ length: 30 }, (_, at) => ({ name: `d${at}`, exitCode: at < 15 ? 0 : at < 28 ? 1 : undefined }));
  const summary = summarize(ends, 1_234);
  expect(summary).toEqual({ total: 30, ok: 15, failed: 13, errors: 2, duration_ms: 1234 });
  expect(summaryText(ends, summary)).toBe(
    '30 devices: 15 ok, 13 failed (d15, d16, d17, d18, d19, d20, d21, d22 and 5 more), 2 not run (d28, d29), 1.2 s',
  );
  expect(fanOutStatus(summary)).toBe(1);
});

test('lines come whole from whatever pieces; one without an end, and one that is too long, too', async () => {
  const whole = `first\nzweite ü\n${'x'.repeat(70_000)}\nlast`;
  const bytes = Buffer.from(whole);
  for (const size of [1, 7, 4_096, bytes.byteLength]) {
    const written: string[] = [];
    const target = { isTTY: false, write: (chunk: Buffer, done: () => void) => (written.push(chunk.toString()), done(), true) };
    const lines = new PrefixedLines({ target: target as unknown as NodeJS.WriteStream, prefix: 'd | ' });
    for (let at = 0; at < bytes.byteLength; at += size) lines.write(bytes.subarray(at, at + size));
    lines.end();
    await once(lines, 'finish');
    expect(written.join('')).toBe(`d | first\nd | zweite ü\nd | ${'x'.repeat(65_536)}\nd | ${'x'.repeat(70_000 - 65_536)}\nd | last\n`);
    for (const piece of written) expect(piece.endsWith('\n')).toBe(true);
  }
});
