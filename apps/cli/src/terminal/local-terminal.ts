import { RstreamError } from '@rstream/protocol';
import type { CommandOutcome, LinkState, OpenTerminalOptions, RemoteTerminal, TerminalRole } from '@rstream/webtty-client';
import { pumpOutput } from '../standard-streams.ts';
import { keyActions, keyHelp, type KeyAction } from './key-actions.ts';
import { PrefixKeyReader, type PrefixKey } from './prefix-key.ts';
import { enterRawMode } from './raw-mode.ts';
import { ScreenModes } from './screen-modes.ts';
import { StatusLine } from './status-line.ts';
import { currentViewport, screen } from './viewport.ts';

/** How an attached terminal was left. */
export interface Attached {
  readonly outcome: CommandOutcome;
  /** The person left it; what runs on it goes on where the device keeps sessions. */
  readonly isDetached: boolean;
}

export interface LocalTerminalOptions {
  readonly prefix: PrefixKey | undefined;
  /** Nothing that is typed goes to the device. */
  readonly isReadOnly: boolean;
}

/** How long an answer to a key is shown, ms. */
const ANSWER_TIME = 5_000;
const CTRL_C = 0x03;

/** The terminal of this process while it is joined with one on a device. */
export class LocalTerminal {
  /** What opens the remote terminal is given these, to tell the person what happens to it. */
  readonly events: Pick<OpenTerminalOptions, 'onLink' | 'onRole' | 'onControlRequest' | 'onControlRefused'> = {
    onLink: (state) => this.#onLink(state),
    onRole: (role) => this.#onRole(role),
    onControlRequest: (viewer) => this.#onControlRequest(viewer),
    onControlRefused: () => this.#say('the one who controls it said no'),
  };
  readonly #options: LocalTerminalOptions;
  readonly #modes = new ScreenModes();
  readonly #status = new StatusLine(this.#modes);
  readonly #keys: PrefixKeyReader;
  #remote: RemoteTerminal | undefined;
  /** Viewers that ask for control, first come, first served. */
  readonly #asking: number[] = [];
  #isDetached = false;

  constructor(options: LocalTerminalOptions) {
    this.#options = options;
    this.#keys = new PrefixKeyReader(options.prefix);
  }

  /** Joins the two until the remote one ends or is left. Leaves the local one as it was, on every way out. */
  async attach(remote: RemoteTerminal): Promise<Attached> {
    this.#remote = remote;
    const onResize = (): void => {
      if (remote.role === 'controller') remote.resize(currentViewport()).catch(() => undefined);
    };
    const restore = enterRawMode(process.stdin);
    screen()?.on('resize', onResize);
    // The window may have changed while the terminal was opened.
    onResize();
    if (remote.role !== 'controller') this.#onRole(remote.role);
    const typing = this.#type(remote).catch(() => undefined);
    try {
      await pumpOutput(this.#watched(remote.output), process.stdout);
      const outcome = await remote.wait();
      process.stdin.pause();
      return { outcome, isDetached: this.#isDetached };
    } finally {
      this.#status.clear();
      screen()?.off('resize', onResize);
      if (process.stdout.isTTY) process.stdout.write(this.#modes.undo());
      restore();
      // Reading on would keep this process.
      process.stdin.destroy();
      await typing;
    }
  }

  async *#watched(output: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of output) {
      this.#status.clear();
      this.#modes.watch(chunk);
      yield chunk;
    }
  }

  /** Sends what is typed, no faster than the device takes it. The end of the local terminal hangs up. */
  async #type(remote: RemoteTerminal): Promise<void> {
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      for (const part of this.#keys.read(chunk)) {
        if ('key' in part) this.#perform(keyActions[part.key.toLowerCase()]);
        else await this.#send(remote, part.send);
      }
      if (this.#isDetached) return;
    }
    remote.close();
  }

  async #send(remote: RemoteTerminal, bytes: Uint8Array): Promise<void> {
    if (!this.#options.isReadOnly && remote.role === 'controller') return remote.write(bytes);
    // Whoever only looks and wants to stop looking types it without thinking.
    if (bytes.includes(CTRL_C)) this.#perform('detach');
    return undefined;
  }

  #perform(action: KeyAction | undefined): void {
    const remote = this.#remote;
    if (remote === undefined || this.#isDetached) return;
    switch (action) {
      case 'detach':
        this.#isDetached = true;
        return remote.detach();
      case 'hang up':
        return remote.close();
      case 'latency':
        return void this.#showLatency(remote);
      case 'retry':
        return remote.retryNow();
      case 'ask':
        this.#say('asking for control');
        return remote.requestControl();
      case 'grant':
      case 'refuse':
        return this.#answer(remote, action);
      case 'help':
      case undefined:
        return this.#say(`${this.#options.prefix?.name ?? ''} then ${keyHelp}`);
    }
  }

  async #showLatency(remote: RemoteTerminal): Promise<void> {
    const text = await remote.latency().then(
      (ms) => `${ms.toFixed(1)} ms to the device and back`,
      () => undefined,
    );
    if (text !== undefined) this.#say(text);
  }

  #answer(remote: RemoteTerminal, answer: 'grant' | 'refuse'): void {
    const viewer = this.#asking.shift();
    if (viewer === undefined) return this.#say('nobody asks for control');
    if (answer === 'grant') {
      this.#asking.length = 0;
      return remote.grantControl(viewer);
    }
    remote.refuseControl(viewer);
    return this.#askNext();
  }

  #onControlRequest(viewer: number): void {
    if (!this.#asking.includes(viewer)) this.#asking.push(viewer);
    this.#askNext();
  }

  #askNext(): void {
    const [viewer] = this.#asking;
    const key = this.#options.prefix?.name;
    if (viewer === undefined) this.#status.clear();
    else if (key !== undefined) this.#status.show(`viewer ${viewer} asks for control: ${key} y to hand over, ${key} n to refuse`);
  }

  #onRole(role: TerminalRole): void {
    if (this.#remote === undefined) return;
    const key = this.#options.prefix?.name ?? '';
    if (role === 'controller') this.#say('you control it now');
    else if (role === 'viewer') this.#say(`you are looking; ${key} a asks for control, ${key} d leaves`);
    else this.#say(`you are looking; ${key} d or ctrl-c leaves`);
  }

  #onLink({ state, attempt = 1, retryInMs = 0, error }: LinkState): void {
    if (state === 'resumed') return this.#status.clear();
    const next = retryInMs < 1_000 ? '' : `, next try in ${Math.round(retryInMs / 1_000)} s`;
    const reason = attempt > 2 && RstreamError.is(error) ? ` (${error.code})` : '';
    return this.#status.show(`connection lost, trying again${next}${reason}`);
  }

  #say(text: string): void {
    this.#status.show(text, ANSWER_TIME);
  }
}
