import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parsePrefixKey, PrefixKeyReader } from '../src/terminal/prefix-key.ts';
import { ScreenModes } from '../src/terminal/screen-modes.ts';
import { Desk } from './support/desk.ts';
import { file, World } from './support/world.ts';

// Real processes, several a test, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000 });

/** The real command line inside a real terminal, against the real hosted process and real devices. */
let here: World;
const desks: Desk[] = [];

function client(...args: readonly string[]): Desk {
  const desk = new Desk(here, ['webtty', 'client', ...args]);
  desks.push(desk);
  return desk;
}

beforeAll(async () => {
  here = await World.open();
  await Promise.all([here.device('dev', '--allow-terminal'), here.device('plain')]);
}, 60_000);

afterEach(() => {
  here.cable.mend();
  for (const desk of desks.splice(0)) desk.leave();
});

afterAll(async () => {
  await here.close();
}, 30_000);

const prompt = /[$#] $/m;
const escape = '\u001D';
/** Writes the terminal's modes and size where a test can see them, then copies what is typed. */
const echo = ['sh', '-c', 'echo ready; cat'];

interface Session {
  readonly session_id: string;
  readonly running: boolean;
  readonly kind: string;
  readonly command: readonly string[];
}

async function sessions(): Promise<readonly Session[]> {
  return JSON.parse((await here.run(['webtty', 'sessions', 'list', '--url', 'rstrm://dev', '-o', 'json'])).stdout) as Session[];
}

describe.skipIf(process.platform !== 'linux')('webtty client', () => {
  test('is a login shell with the size and the type of this terminal, and ends with its code', async () => {
    const desk = client('rstrm://dev');
    await desk.shows(prompt);
    desk.type('echo "is $TERM $(stty size) $((6 * 7))"\r');
    await desk.shows(/is vt220 33 111 42\r/);
    desk.resize(90, 20);
    desk.type('sleep 0.3; echo "now $(stty size)"\r');
    await desk.shows(/now 20 90\r/);
    desk.type('echo 日本語🌍; exit 5\r');
    expect(await desk.ends()).toBe(5);
    expect(desk.screen).toMatch(/[\rl]日本語🌍\r\n/);
  });

  test('runs a program, and Ctrl-C ends a flood of output', async () => {
    const desk = client('rstrm://dev', '--', 'yes', 'flood');
    await desk.shows(/(?:flood\r\n){100}/);
    desk.type('\x03');
    expect(await desk.ends()).toBe(130);
  });

  test('shows all of a long output, in order', async () => {
    const desk = client('rstrm://dev', '--', 'seq', '1', '60000');
    expect(await desk.ends()).toBe(0);
    const numbers = Array.from({ length: 60_000 }, (_, index) => `${index + 1}\r\n`).join('');
    expect(desk.screen.includes(numbers)).toBe(true);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('puts the terminal back and ends the program when it gets %s', async (name, code) => {
    const marker = here.path(name);
    const desk = client('rstrm://dev', '--', 'sh', '-c', `trap "echo > ${marker}; exit" HUP; echo ready; while :; do sleep 0.05; done`);
    await desk.shows(/ready\r/);
    desk.signal(name);
    expect(await desk.ends()).toBe(code);
    await file(marker);
  });

  test('leaves the program running with the keys for that, says how to come back, and comes back', async () => {
    const desk = client('rstrm://dev', '--', ...echo);
    await desk.shows(/ready\r/);
    desk.type(`${escape}d`);
    expect(await desk.ends()).toBe(0);
    const [, url = '', id = ''] = /webtty client (\S+) --session (\S+)\r/.exec(desk.screen) ?? [];
    expect(await sessions()).toContainEqual(expect.objectContaining({ session_id: id, running: true, kind: 'terminal' }));
    const again = client(url, '--session', id);
    await again.shows(/ready/);
    again.type('hello\r');
    await again.shows(/hello\r\nhello\r/);
    again.type(`${escape}q`);
    expect(await again.ends()).toBe(130);
    expect((await sessions()).filter(({ running }) => running)).toEqual([]);
  });

  test('sends the key itself when it is typed twice, and all of it when there is no such key', async () => {
    const hex = ['sh', '-c', 'stty raw -echo; echo ready; head -c 2 | od -An -tx1'];
    const desk = client('rstrm://dev', '--', ...hex);
    await desk.shows(/ready/);
    desk.type(`${escape}${escape}a`);
    await desk.shows(/ 1d 61/);
    const bare = client('rstrm://dev', '--detach-key', 'none', '--', ...hex);
    await bare.shows(/ready/);
    bare.type(`${escape}d`);
    await bare.shows(/ 1d 64/);
    expect([await desk.ends(), await bare.ends()]).toEqual([0, 0]);
  });

  test('shows the latency on demand, in a line that is gone afterwards', async () => {
    const desk = client('rstrm://dev', '--', ...echo);
    await desk.shows(/ready\r/);
    desk.type(`${escape}l`);
    await desk.shows(/rstream: \d+\.\d ms to the device and back/);
    desk.type('x\r');
    // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
    await desk.shows(/device and back[^\r]*\u001B8\u001B7\u001B\[B\r\u001B\[K\u001B8x/);
    desk.type('\x04');
    expect(await desk.ends()).toBe(0);
  });

  test('goes on after a lost connection: nothing of what was typed and printed is missing or twice', async () => {
    const desk = client('rstrm://dev', '--', ...echo);
    await desk.shows(/ready\r/);
    here.cable.cut();
    await desk.shows(/rstream: connection lost, trying again/);
    desk.type('typed meanwhile\r');
    here.cable.mend();
    await desk.shows(/typed meanwhile\r\ntyped meanwhile\r/);
    desk.type('\x04');
    expect(await desk.ends()).toBe(0);
    expect(desk.screen.match(/typed meanwhile/g)).toHaveLength(2);
    expect(desk.screen.match(/ready/g)).toHaveLength(1);
  });

  test('shows the loss in the title while a full-screen program draws', async () => {
    const desk = client('rstrm://dev', '--', 'sh', '-c', String.raw`printf "\033[?1049h"; echo ready; cat`);
    await desk.shows(/ready\r/);
    here.cable.cut();
    // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
    await desk.shows(/\u001B\]2;rstream: connection lost[^\u0007]*\u0007/);
    here.cable.mend();
    // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
    await desk.shows(/\u001B\[23;2t/);
    desk.type('\x04');
    expect(await desk.ends()).toBe(0);
    expect(desk.screen).not.toContain('\u001B[2mrstream');
  });

  test('puts the terminal and its modes back when the session is gone with its device', async () => {
    const lost = await here.device('lost', '--allow-terminal');
    const desk = client('rstrm://lost', '--', 'sh', '-c', String.raw`printf "\033[?1049h\033[?25l"; echo ready; cat`);
    await desk.shows(/ready\r/);
    lost.kill('SIGKILL');
    await here.device('lost', '--allow-terminal');
    expect(await desk.ends()).toBe(125);
    // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
    expect(desk.screen).toMatch(/\u001B\[\?1049l\u001B\[\?25h[\s\S]*error ERR_RSTREAM_SESSION_NOT_FOUND/);
  });

  test('a read-only viewer sees the screen and types nothing, and Ctrl-C leaves', async () => {
    const owner = client('rstrm://dev', '--label', 'watched', '--', ...echo);
    await owner.shows(/ready\r/);
    const session = (await sessions()).find(({ running }) => running);
    const viewer = client('rstrm://dev', '--session', session?.session_id ?? '', '--read-only');
    await viewer.shows(/ready/);
    viewer.type('not me\r');
    owner.type('me\r');
    await viewer.shows(/me\r\nme\r/);
    viewer.type('\x03');
    expect(await viewer.ends()).toBe(0);
    owner.type('\x04');
    expect(await owner.ends()).toBe(0);
    expect(owner.screen + viewer.screen).not.toContain('not me');
  });

  test('a second viewer asks for control, and has it once the first one agrees', async () => {
    const first = client('rstrm://dev', '--', ...echo);
    await first.shows(/ready\r/);
    const session = (await sessions()).find(({ running }) => running);
    const second = client('rstrm://dev', '--session', session?.session_id ?? '');
    await second.shows(/rstream: you are looking; ctrl-\] a asks for control/);
    second.type(`${escape}a`);
    await first.shows(/viewer \d+ asks for control: ctrl-\] y to hand over/);
    first.type(`${escape}y`);
    await second.shows(/rstream: you control it now/);
    second.type('from the second\r');
    await first.shows(/from the second\r\nfrom the second\r/);
    second.type('\x04');
    expect([await first.ends(), await second.ends()]).toEqual([0, 0]);
  });

  test('says why there is no terminal', async () => {
    const desk = client('rstrm://plain');
    expect(await desk.ends()).toBe(125);
    expect(desk.screen).toContain('ERR_RSTREAM_COMMAND_UNSUPPORTED');
    const list = JSON.parse((await here.run(['webtty', 'list', '-o', 'json'])).stdout) as { target: string; capabilities: string[] }[];
    const capabilities = Object.fromEntries(list.map((server) => [server.target, server.capabilities]));
    expect(capabilities['dev']).toContain('terminal');
    expect(capabilities['plain']).not.toContain('terminal');
  });

  test('without a terminal here it names the command that needs none', async () => {
    const { code, stderr } = await here.run(['webtty', 'client', 'rstrm://dev']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/stdin is not a terminal[\s\S]*webtty exec/);
  });

  test('exec -i -t is a terminal like any other', async () => {
    const desk = new Desk(here, [
      'webtty',
      'exec',
      '--url',
      'rstrm://dev',
      '-i',
      '-t',
      '--',
      'sh',
      '-c',
      'tty && stty size && read x && exit "$x"',
    ]);
    desks.push(desk);
    await desk.shows(/\/dev\/pts\/\d+\r\n33 111\r/);
    desk.type('7\r');
    expect(await desk.ends()).toBe(7);
  });
});

test('exec -t runs a program on a terminal of the device while nothing is one here', async () => {
  const { code, stdout } = await here.run(['webtty', 'exec', '--url', 'rstrm://dev', '-t', '--', 'sh', '-c', 'tty; cat; exit 3']);
  expect({ code, stdout }).toMatchObject({ code: 3, stdout: expect.stringMatching(/^\/dev\/pts\/\d+\r\n/) });
});

test.each([
  ['ctrl-]', 0x1d],
  ['^p', 0x10],
  ['CTRL-A', 0x01],
])('the key %s is byte %i', (name, byte) => {
  expect(parsePrefixKey(name)?.byte).toBe(byte);
});

test('what follows the key is taken out of what is typed, in whatever pieces it comes', () => {
  const typed = Buffer.from('ab\u001Ddc\u001D\u001De\u001D?');
  for (let size = 1; size <= typed.byteLength; size += 1) {
    const reader = new PrefixKeyReader(parsePrefixKey());
    let sent = '';
    let keys = '';
    for (let at = 0; at < typed.byteLength; at += size) {
      for (const part of reader.read(typed.subarray(at, at + size))) {
        if ('key' in part) keys += part.key;
        else sent += Buffer.from(part.send).toString('latin1');
      }
    }
    expect([sent, keys]).toEqual(['abc\u001De', 'd?']);
  }
});

test('modes that a program left on are switched off, also when their sequences came in pieces', () => {
  const modes = new ScreenModes();
  for (const piece of ['text\u001B[?10', '49h\u001B[?2004;1006h', '\u001B[?25l more', '\u001B[?2004l']) modes.watch(Buffer.from(piece));
  expect(modes.undo()).toBe('\u001B[?1049l\u001B[?1006l\u001B[?25h');
  expect(modes.isFullScreen).toBe(true);
});

test.each([
  ['text', true],
  ['text\u001B', false],
  ['\u001B[1;3', false],
  ['\u001B[1;3m', true],
  ['\u001B]2;a title', false],
  ['\u001B]2;a title\u0007', true],
  ['日本'.slice(0, 2), true],
])('%j is output after which something else may be written: %s', (text, settled) => {
  const modes = new ScreenModes();
  modes.watch(Buffer.from(text));
  expect(modes.isSettled).toBe(settled);
});

test('a character that is cut in two is no place for something else', () => {
  const modes = new ScreenModes();
  modes.watch(Buffer.from('日').subarray(0, 2));
  expect(modes.isSettled).toBe(false);
  modes.watch(Buffer.from('日').subarray(2));
  expect(modes.isSettled).toBe(true);
});
