import { spawn as spawnChild, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { spawn, type IPty } from '@lydell/node-pty';
import type { Ready } from '@rstream/protocol/control';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parsePrefixKey } from '../src/terminal/prefix-key.ts';
import { ScreenModes } from '../src/terminal/screen-modes.ts';
import { nodeArgs, Workstation } from './support/run.ts';

/** The real command line inside a real terminal, against the real hosted process and real devices. */
const here = new Workstation();
const children: ChildProcess[] = [];
const desks: Desk[] = [];

function launch(app: string, args: readonly string[]): ChildProcess {
  const bin = resolve(import.meta.dirname, `../../${app}/src/bin.ts`);
  const child = spawnChild(process.execPath, ['--conditions=@rstream/source', bin, ...args], { env: here.env, stdio: 'ignore' });
  children.push(child);
  return child;
}

async function file(path: string): Promise<void> {
  while (!existsSync(path)) await pause(25);
}

async function device(name: string, ready: Ready, ...flags: string[]): Promise<ChildProcess> {
  const where = ['--engine', ready.engine, '--token-file', ready.ownerTokenFile, '--name', name];
  const child = launch('agent', ['run', ...where, '--ready-file', here.path(name), ...flags]);
  await file(here.path(name));
  return child;
}

let lost: ChildProcess;

beforeAll(async () => {
  const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--data-dir', here.path('hosted')];
  launch('hosted', ['serve', ...listen]);
  await file(here.path('hosted/ready.json'));
  const ready = JSON.parse(readFileSync(here.path('hosted/ready.json'), 'utf8')) as Ready;
  const { code, stderr } = await here.run([
    'context',
    'create',
    'home',
    '--engine',
    ready.engine,
    '--token-file',
    ready.ownerTokenFile,
    '--no-api-url',
  ]);
  if (code !== 0) throw new Error(stderr);
  const fast = ['--allow-terminal', '--shutdown-timeout', '0'];
  [, lost] = await Promise.all([device('dev', ready, ...fast), device('lost', ready, ...fast), device('plain', ready)]);
}, 60_000);

afterEach(() => {
  for (const desk of desks.splice(0)) desk.leave();
});

afterAll(async () => {
  const ends = children.filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ends);
  here.remove();
}, 30_000);

/** A terminal in which the command runs as a person's shell would run it, with the modes before and after it. */
class Desk {
  readonly #pty: IPty;
  #shown = '';
  #wake: (() => void)[] = [];
  readonly #before: Promise<readonly string[]>;

  constructor(...args: readonly string[]) {
    const words = [process.execPath, ...nodeArgs, 'webtty', 'client', ...args].map((word) => `'${word}'`).join(' ');
    const script = `echo "before $(stty -g)"; ${words}; echo "code $?"; echo "after $(stty -g)"; read _`;
    const env = { ...here.env, TERM: 'vt220' };
    this.#pty = spawn('sh', ['-c', script], { cwd: here.folder, env, rows: 33, cols: 111 });
    this.#pty.onData((text) => {
      this.#shown += text;
      for (const wake of this.#wake.splice(0)) wake();
    });
    this.#before = this.shows(/before ([\da-f:]+)\r/);
    desks.push(this);
  }

  /** Waits until the screen shows it, and returns the groups of the pattern. Looks at the last part only: output may be a flood. */
  async shows(pattern: RegExp): Promise<readonly string[]> {
    for (;;) {
      const match = pattern.exec(this.#shown.slice(-4_000));
      if (match !== null) return match.slice(1);
      await new Promise<void>((wake) => this.#wake.push(wake));
    }
  }

  /** Waits for the end and returns the exit code. The terminal must be as it was. */
  async ends(): Promise<number> {
    const [code, after] = await this.shows(/code (\d+)\r\nafter ([\da-f:]+)\r/);
    if (after !== (await this.#before)[0]) throw new Error('the terminal was not put back');
    return Number(code);
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /** Sends a signal to the command, which is the only child of the shell. */
  signal(name: NodeJS.Signals): void {
    const { pid } = this.#pty;
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()), name);
  }

  get screen(): string {
    return this.#shown;
  }

  leave(): void {
    this.#pty.kill('SIGKILL');
  }
}

const prompt = /[$#] $/m;

describe.skipIf(process.platform !== 'linux')('webtty client', () => {
  test('is a login shell with the size and the type of this terminal, and ends with its code', async () => {
    const desk = new Desk('rstrm://dev');
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
    const desk = new Desk('rstrm://dev', '--', 'yes', 'flood');
    await desk.shows(/(?:flood\r\n){100}/);
    desk.type('\x03');
    expect(await desk.ends()).toBe(130);
  });

  test('shows all of a long output, in order', async () => {
    const desk = new Desk('rstrm://dev', '--', 'seq', '1', '60000');
    expect(await desk.ends()).toBe(0);
    const numbers = Array.from({ length: 60_000 }, (_, index) => `${index + 1}\r\n`).join('');
    expect(desk.screen.includes(numbers)).toBe(true);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('puts the terminal back and ends the program when it gets %s', async (name, code) => {
    const marker = here.path(name);
    const desk = new Desk('rstrm://dev', '--', 'sh', '-c', `trap "echo > ${marker}; exit" HUP; echo ready; while :; do sleep 0.05; done`);
    await desk.shows(/ready\r/);
    desk.signal(name);
    expect(await desk.ends()).toBe(code);
    await file(marker);
  });

  test('leaves with the detach key', async () => {
    const desk = new Desk('rstrm://dev', '--detach-key', 'ctrl-]', '--', 'sh', '-c', 'echo ready; cat');
    await desk.shows(/ready\r/);
    desk.type('\x1d');
    expect(await desk.ends()).toBe(0);
  });

  test('puts the terminal and its modes back when the connection is lost', async () => {
    const desk = new Desk('rstrm://lost', '--', 'sh', '-c', String.raw`printf "\033[?1049h\033[?25l"; echo ready; cat`);
    await desk.shows(/ready\r/);
    lost.kill('SIGKILL');
    expect(await desk.ends()).toBe(125);
    // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
    expect(desk.screen).toMatch(/\u001B\[\?1049l\u001B\[\?25h[\s\S]*error [A-Z_]+/);
  });

  test('says why there is no terminal', async () => {
    const desk = new Desk('rstrm://plain');
    expect(await desk.ends()).toBe(125);
    expect(desk.screen).toContain('ERR_RSTREAM_COMMAND_UNSUPPORTED');
    const list = JSON.parse((await here.run(['webtty', 'list', '-o', 'json'])).stdout) as { target: string; capabilities: string[] }[];
    const capabilities = Object.fromEntries(list.map((server) => [server.target, server.capabilities]));
    expect(capabilities).toMatchObject({ dev: ['exec', 'terminal'], plain: ['exec'] });
  });

  test('without a terminal here it names the command that needs none', async () => {
    const { code, stderr } = await here.run(['webtty', 'client', 'rstrm://dev']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/stdin is not a terminal[\s\S]*webtty exec/);
  });
});

test.each([
  ['ctrl-]', 0x1d],
  ['^p', 0x10],
  ['CTRL-A', 0x01],
])('the detach key %s is byte %i', (name, byte) => {
  expect(parsePrefixKey(name)).toBe(byte);
});

test('modes that a program left on are switched off, also when their sequences came in pieces', () => {
  const modes = new ScreenModes();
  for (const piece of ['text\u001B[?10', '49h\u001B[?2004;1006h', '\u001B[?25l more', '\u001B[?2004l']) modes.watch(Buffer.from(piece));
  expect(modes.undo()).toBe('\u001B[?1049l\u001B[?1006l\u001B[?25h');
});
