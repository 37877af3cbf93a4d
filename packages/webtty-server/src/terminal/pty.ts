import { closeSync, constants as files, fchownSync, openSync, writeSync } from 'node:fs';
import { constants as system } from 'node:os';
import type { ReadStream } from 'node:tty';
import type * as NodePty from '@lydell/node-pty';
import { limits, RstreamError } from '@rstream/protocol';
import type { TerminalSize } from '@rstream/protocol/webtty';
import type { ProcessExit } from '../process.ts';
import { EndMarker } from './end-marker.ts';
import { forgetMaster, rememberMaster } from './masters.ts';
import { PtyInput } from './pty-input.ts';
import { readOn } from './read-on.ts';

/** Between attempts to write the end marker behind output that nobody has read yet, in ms. */
const MARKER_RETRY_MS = 10;
/** Silence after which output counts as complete where the marker cannot be written: a system that revokes the terminal at exit. */
const QUIET_MS = 100;
/** Tells the system to leave the group as it is: that of terminals. */
const SAME_GROUP = -1;

/**
 * What this file relies on beyond the public interface of the native module, at the exact version that is pinned. With
 * `_emittedClose` set, the module reports an exit at once and leaves the socket to us; otherwise it destroys the socket 200 ms
 * after the exit, however much output is still unread.
 */
interface Internals {
  readonly _socket: ReadStream;
  _emittedClose: boolean;
  /** The master descriptor. */
  readonly fd: number;
  /** Path of the terminal device. */
  readonly ptsName: string;
}

export interface PtyStart {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly size: TerminalSize;
  /** Account that the terminal belongs to, as programs that open it by its name need; undefined: this process's. */
  readonly uid?: number | undefined;
}

/** True when this process can make terminals: the native module is there and fits the platform. */
export async function canMakeTerminals(): Promise<boolean> {
  try {
    await loadModule();
    return true;
  } catch {
    return false;
  }
}

async function loadModule(): Promise<typeof NodePty> {
  // Windows has no device to hold open, which the reading below depends on.
  if (process.platform === 'win32') throw new RstreamError('ERR_RSTREAM_TERMINAL_MISSING');
  try {
    const module = await import('@lydell/node-pty');
    return module.default;
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_TERMINAL_MISSING', undefined, { cause });
  }
}

/** Starts a program on a new terminal. Throws `ERR_RSTREAM_TERMINAL_MISSING`, `ERR_RSTREAM_COMMAND_FAILED_TO_START`. */
export async function openPty({ file, args, cwd, env, size, uid }: PtyStart): Promise<Pty> {
  const { spawn } = await loadModule();
  try {
    const started = spawn(file, [...args], { cwd, env, cols: size.col, rows: size.row, encoding: null });
    return new Pty(started as NodePty.IPty & Internals, uid);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new RstreamError('ERR_RSTREAM_COMMAND_FAILED_TO_START', `No terminal could be made: ${reason}`, { cause });
  }
}

/** Receives the output of a {@link Pty}. */
export interface PtyEvents {
  onData(chunk: Buffer): void;
  /** All output was delivered, or was given up. Once, and nothing after it. */
  onEnd(): void;
}

/**
 * A terminal and the program on it, with byte-exact output. Our own hold on the terminal device keeps the kernel from reporting
 * a hang-up while output is unread; {@link Pty.finish} tells when the last byte is out.
 */
export class Pty {
  readonly pid: number;
  readonly input: PtyInput;
  readonly exited: Promise<ProcessExit>;
  readonly #terminal: NodePty.IPty & Internals;
  readonly #socket: ReadStream;
  readonly #device: number;
  #events: PtyEvents | undefined;
  #marker: EndMarker | undefined;
  #unwritten: Buffer = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  #paused = true;
  #closed = false;

  /** Made by {@link openPty}; the event loop must not turn between the start of the program and this. */
  constructor(terminal: NodePty.IPty & Internals, uid?: number) {
    this.#terminal = terminal;
    this.#socket = terminal._socket;
    this.#device = openSync(terminal.ptsName, files.O_RDWR | files.O_NOCTTY | files.O_NONBLOCK);
    if (uid !== undefined) fchownSync(this.#device, uid, SAME_GROUP);
    this.pid = terminal.pid;
    this.input = new PtyInput(terminal.fd);
    rememberMaster(terminal.fd);
    terminal._emittedClose = true;
    for (const event of ['data', 'error', 'close']) this.#socket.removeAllListeners(event);
    this.#socket.pause();
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.pause();
    this.#socket.on('error', () => this.close());
    this.#socket.on('close', () => this.close());
    this.exited = new Promise((resolve) => {
      terminal.onExit(({ exitCode, signal }) => resolve(exitOf(exitCode, signal)));
    });
  }

  /** Sets the receiver and lets output flow. */
  listen(events: PtyEvents): void {
    this.#events = events;
    this.resume();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#patience?.refresh();
    this.#socket.resume();
  }

  resize({ col, row, xpixel, ypixel }: TerminalSize): void {
    if (!this.#closed) this.#terminal.resize(col, row, { width: xpixel, height: ypixel });
  }

  /** Call when the program has exited: what it wrote is delivered at the pace of the receiver, then the terminal is closed. */
  finish(): void {
    if (this.#closed || this.#marker !== undefined) return;
    this.#marker = new EndMarker();
    this.#unwritten = this.#marker.word;
    this.#waitFor(limits.webtty.terminalDrain.default);
    this.#writeMarker();
  }

  /** Hangs up: the kernel sends HUP to what still runs on the terminal. What was not delivered is lost. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#patience);
    clearTimeout(this.#retry);
    closeSync(this.#device);
    this.input.destroy();
    void this.input.idle.then(() => {
      this.#socket.destroy();
      forgetMaster(this.#terminal.fd);
    });
    this.#events?.onEnd();
  }

  #receive(first: Buffer): void {
    if (this.#closed) return;
    const chunk = readOn(this.#terminal.fd, first);
    this.#patience?.refresh();
    if (this.#marker === undefined) return this.#events?.onData(chunk);
    const { output, found } = this.#marker.take(chunk);
    if (output.byteLength > 0) this.#events?.onData(output);
    if (found) this.close();
  }

  /** Ends the session after `ms` in which output could flow and none came. */
  #waitFor(ms: number): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      if (this.#paused) this.#patience?.refresh();
      else this.#giveUpMarker();
    }, ms);
  }

  #giveUpMarker(): void {
    const rest = this.#marker?.rest();
    const written = this.#unwritten !== this.#marker?.word;
    if (rest !== undefined && rest.byteLength > 0 && !written) this.#events?.onData(rest);
    this.close();
  }

  #writeMarker(): void {
    if (this.#closed) return;
    try {
      this.#unwritten = this.#unwritten.subarray(writeSync(this.#device, this.#unwritten));
      if (this.#unwritten.byteLength > 0) this.#retryMarker();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#retryMarker();
      else this.#waitFor(QUIET_MS);
    }
  }

  #retryMarker(): void {
    this.#retry = setTimeout(() => this.#writeMarker(), MARKER_RETRY_MS);
  }
}

function exitOf(code: number, signal: number | undefined): ProcessExit {
  if (signal === undefined || signal === 0) return { code, signal: null };
  const names = Object.entries(system.signals) as [NodeJS.Signals, number][];
  return { code: null, signal: names.find(([, number]) => number === signal)?.[0] ?? 'SIGKILL' };
}
