import { setTimeout as delay } from 'node:timers/promises';
import { cpuMilliseconds } from '../cpu.ts';
import type { TerminalHost } from './terminal-host.ts';
import { Viewer } from './viewer.ts';

/** A prompt that no output and no echo of what is typed holds. */
const PROMPT = '@@PROMPT@@';
const SET_PROMPT = "PS1='@@PRO''MPT@@'\n";

async function atPrompt(host: TerminalHost, bytesPerSecond?: number): Promise<Viewer> {
  const viewer = new Viewer(await host.open(), bytesPerSecond);
  await viewer.type(SET_PROMPT, PROMPT);
  return viewer;
}

export interface Transfer {
  readonly bytes: number;
  readonly seconds: number;
  /** Of the peer and of this viewer, in ms for each MB. */
  readonly serverCpu: number;
  readonly viewerCpu: number;
}

/** A whole file on the screen. */
export async function show(host: TerminalHost, file: string): Promise<Transfer> {
  const viewer = await atPrompt(host);
  const before = viewer.bytes;
  const cpuBefore = cpuMilliseconds(host.pids);
  const ownBefore = process.cpuUsage();
  const ms = await viewer.type(`cat ${file}\n`, PROMPT);
  const own = process.cpuUsage(ownBefore);
  const serverCpu = cpuMilliseconds(host.pids) - cpuBefore;
  const bytes = viewer.bytes - before;
  await viewer.close();
  return { bytes, seconds: ms / 1000, serverCpu: serverCpu / (bytes / 1e6), viewerCpu: (own.user + own.system) / 1000 / (bytes / 1e6) };
}

/** Ms for one byte to a raw `cat` and back. */
export async function echo(host: TerminalHost, count: number): Promise<number[]> {
  const viewer = new Viewer(await host.open());
  await viewer.type("stty raw -echo; echo rea''dy; exec cat\n", 'ready');
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const byte = String.fromCharCode(0x61 + (at % 26));
    times.push(await viewer.type(byte, byte));
  }
  await viewer.close();
  return times;
}

/** Ms until a typed character shows among the output of a flood on the same terminal. */
export async function echoInFlood(host: TerminalHost, count: number): Promise<number[]> {
  const viewer = await atPrompt(host);
  await viewer.type("yes fl''ood &\n", 'flood');
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const letter = String.fromCharCode(0x41 + (at % 20));
    times.push(await viewer.type(letter, letter));
    await delay(20);
  }
  await viewer.close();
  return times;
}

/** Ms for one byte and back on a quiet terminal while another one of the same host floods its viewer. */
export async function echoBesideFlood(host: TerminalHost, count: number): Promise<number[]> {
  const other = await atPrompt(host);
  await other.type("yes fl''ood\n", 'flood');
  const times = await echo(host, count);
  await other.close();
  return times;
}

/** Ms from Ctrl-C to the prompt, at a viewer that takes 1 MB/s of a flood. */
export async function interrupt(host: TerminalHost, floodMs: number): Promise<number> {
  const viewer = await atPrompt(host);
  viewer.pace(1_000_000);
  await viewer.type("yes fl''ood\n", 'flood');
  await delay(floodMs);
  const ms = await viewer.type('\x03', PROMPT);
  await viewer.close();
  return ms;
}

/** Ms from the wish for a terminal to the first prompt of `sh`. */
export async function firstPrompt(host: TerminalHost): Promise<number> {
  const started = performance.now();
  const viewer = new Viewer(await host.open());
  await viewer.type('', process.getuid?.() === 0 ? '# ' : '$ ');
  const ms = performance.now() - started;
  await viewer.close();
  return ms;
}
