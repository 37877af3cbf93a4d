import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessWorld } from '@rstream/testkit';
import { keepConnected, type Connection } from '@rstream/tunnel-core';
import { openTerminal, type WebttyTransport } from '@rstream/webtty-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installPackage, provide } from '../src/provide.ts';

/* Full-screen programs on a device, once left alone and once with the connection cut at every key: an emulator that this project did
   not write must show the same at the end. */

const ROWS = 24;
const COLUMNS = 80;
const QUIET_MS = 500;
interface Screen {
  readonly lines: readonly string[];
  readonly cursor: readonly [row: number, column: number];
}
interface Play {
  readonly argv: readonly string[];
  /** What is typed, one part after the other. */
  readonly keys: readonly string[];
  /** Words that only the last key brings to the screen. */
  readonly last: string;
}

let world: ProcessWorld;
let connection: Connection;
let sleeper: ChildProcess;

function duplexTransport(stream: Duplex): WebttyTransport {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  stream.on('error', () => undefined);
  return {
    read: async () => (await chunks.next()).value,
    write: (chunk) => new Promise<void>((done, fail) => void stream.write(chunk, (error) => (error ? fail(error) : done()))),
    close: () => void stream.destroy(),
  };
}

/** Plays the keys, waiting for output after each, and gives the screen at the end and how often the connection was resumed. */
async function play({ argv, keys, last }: Play, { cut }: { readonly cut: boolean }): Promise<{ screen: Screen; resumed: number }> {
  let stream: Duplex | undefined;
  let resumed = 0;
  const dial = async (): Promise<WebttyTransport> => duplexTransport((stream = await connection.dial('device')));
  const terminal = await openTerminal(
    await dial(),
    { rows: ROWS, columns: COLUMNS, argv, term: 'linux' },
    {
      reconnect: dial,
      onLink: ({ state }) => {
        if (state === 'resumed') resumed += 1;
      },
    },
  );
  const received: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  const watching = (async () => {
    for await (const chunk of terminal.output) {
      received.push(chunk);
      wake?.();
    }
  })();
  const output = (): Buffer => Buffer.concat(received);
  const moreThan = async (bytes: number): Promise<void> => {
    while (output().length <= bytes) await new Promise<void>((done) => (wake = done));
  };
  await moreThan(0);
  for (const part of keys) {
    const before = output().length;
    await terminal.write(Buffer.from(part));
    if (cut) stream?.destroy();
    await moreThan(before);
  }
  while (!shows(output(), last)) await moreThan(output().length);
  // What else belongs to the last key, and to the last resume, is under way; only a program that stays quiet has written all of it.
  for (let before = -1; before !== output().length; await delay(QUIET_MS)) before = output().length;
  const input = output();
  terminal.close();
  await Promise.allSettled([watching, terminal.wait()]);
  return { screen: screenOf(input), resumed };
}

function screenOf(input: Buffer): Screen {
  const program = join(import.meta.dirname, '../src/webtty/screen.py');
  return JSON.parse(execFileSync('/usr/bin/python3', [program, String(ROWS), String(COLUMNS)], { input }).toString()) as Screen;
}
const shows = (input: Buffer, words: string): boolean => screenOf(input).lines.some((line) => line.includes(words));

beforeAll(async () => {
  provide('vim');
  provide('htop');
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import pyte'], { stdio: 'pipe' });
  } catch {
    installPackage('python3-pyte');
  }
  world = await ProcessWorld.start();
  await world.startDevice('device', ['--allow-terminal']);
  connection = keepConnected({
    engine: world.ready.engine,
    token: readFileSync(world.ready.ownerTokenFile, 'utf8').trim(),
    client: { agent: 'interop', channel: 'cli', version: '0.0.0', os: 'linux', arch: 'x64', protocol_version: '1.4.5' },
  });
  sleeper = spawn('sleep', ['600']);
});
afterAll(async () => {
  sleeper.kill();
  await connection.close();
  await world.close();
});

describe('a full-screen program whose connection is cut at every key', () => {
  it('vim shows what it shows without', async () => {
    const file = join(world.folder, 'text');
    const argv = ['vim', '-u', 'NONE', '-i', 'NONE', '-n', '-N', file];
    const words = Array.from({ length: 45 }, (_, index) => [`oline ${index} ünïcode 日本語`, '\x1b']).flat();
    const keys = [
      ...words,
      'yy20p',
      'gg',
      ':set number\r',
      'jjjdd',
      ':split\r',
      '\x06',
      '\x17j',
      'G',
      'ix\ty\x1b',
      'kkkk',
      'D',
      ':%s/line/LINE/\r',
      ':echo "fin" . "ished"\r',
    ];
    writeFileSync(file, '');
    const alone = await play({ argv, keys, last: 'finished' }, { cut: false });
    const cut = await play({ argv, keys, last: 'finished' }, { cut: true });
    expect(alone.screen.lines.join('\n')).toContain('LINE');
    expect(cut.screen).toEqual(alone.screen);
    expect(cut.resumed).toBeGreaterThan(keys.length / 2);
  });

  it('htop shows what it shows without, below the meters', async () => {
    const argv = ['htop', '-C', '-d', '50', '-p', String(sleeper.pid)];
    const keys = ['t', 't', 'p', 'p', 'H', 'H', '/', 'z', 'z', 'f', 'i', 'n'];
    const below = ({ lines }: Screen): readonly string[] => lines.slice(lines.findIndex((line) => / PID /.test(line)));
    const alone = await play({ argv, keys, last: 'zzfin' }, { cut: false });
    const cut = await play({ argv, keys, last: 'zzfin' }, { cut: true });
    expect(below(alone.screen).join('\n')).toMatch(/sleep 600/);
    expect(below(cut.screen)).toEqual(below(alone.screen));
    expect(cut.resumed).toBeGreaterThan(keys.length / 2);
  });
});

it('a long output comes through the installed programs whole, with and without cuts', async () => {
  const expected = Buffer.from(Array.from({ length: 500_000 }, (_, line) => `${line + 1}\n`).join(''));
  for (const cutEvery of [Infinity, 250_000]) {
    let stream: Duplex | undefined;
    const dial = async (): Promise<WebttyTransport> => duplexTransport((stream = await connection.dial('device')));
    const request = { rows: ROWS, columns: COLUMNS, argv: ['sh', '-c', 'stty raw; seq 1 500000'] };
    const terminal = await openTerminal(await dial(), request, { reconnect: dial });
    const received: Uint8Array[] = [];
    let since = 0;
    for await (const chunk of terminal.output) {
      received.push(chunk);
      since += chunk.byteLength;
      if (since < cutEvery) continue;
      since = 0;
      stream?.destroy();
    }
    expect(await terminal.wait()).toMatchObject({ exitCode: 0 });
    expect(Buffer.concat(received).equals(expected)).toBe(true);
  }
});
