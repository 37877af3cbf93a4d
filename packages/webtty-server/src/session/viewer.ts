import { limits, RstreamError } from '@rstream/protocol';
import { DataType, type MessageOf, type SessionRole, type TerminalSize } from '@rstream/protocol/webtty';
import type { MessageLink } from '../message-link.ts';
import type { OutputLog } from './output-log.ts';
import type { StreamIndex } from './output-source.ts';
import type { Screen, ScreenSnapshot } from './screen.ts';

/** What a viewer looks at. */
export interface Viewed {
  readonly logs: readonly [OutputLog, OutputLog];
  /** Streams that the program has. */
  readonly streams: readonly StreamIndex[];
  /** Of a terminal: what it shows. */
  readonly screen: Screen | undefined;
  /** How it ended; undefined while it has not. */
  readonly close: MessageOf<'close'> | undefined;
}

export interface ViewerOptions {
  readonly role: SessionRole;
  /** Bytes of each stream under way that the client has not acknowledged; Infinity for a client that gives no credit. */
  readonly window: number;
  /** Where each stream begins for this viewer. Undefined: with the whole screen. */
  readonly from?: readonly [number, number] | undefined;
  /** Bytes of each stream that it has received and not acknowledged. */
  readonly unacknowledged?: readonly [number, number] | undefined;
  /** Lines above the screen that it wants when it gets the whole screen. */
  readonly scrollback?: number | undefined;
  readonly heartbeat: boolean;
  /**
   * A client that can come back: it hears of new sizes, and says when it has everything. Until then its connection may still be
   * lost together with the end.
   */
  readonly comesBack: boolean;
  /** The share that it came with. */
  readonly shareId?: string | undefined;
}

const types = [DataType.STDOUT, DataType.STDERR] as const;

/**
 * One connection that looks at a session, with its own place in the output. It gets what its window and its connection take; a
 * viewer of a terminal that fell out of what is kept gets the whole screen and goes on from there.
 */
export class Viewer {
  readonly link: MessageLink;
  readonly shareId: string | undefined;
  readonly canCredit: boolean;
  role: SessionRole;
  readonly #viewed: Viewed;
  readonly #onProgress: () => void;
  readonly #scrollback: number;
  readonly #comesBack: boolean;
  readonly #heartbeat: NodeJS.Timeout | undefined;
  readonly #done = Promise.withResolvers<void>();
  readonly #next: [number, number];
  readonly #outstanding: [number, number];
  readonly #credit: [number, number];
  readonly #eosSent = new Set<StreamIndex>();
  #hasRoom = true;
  #wantsScreen: boolean;
  #drawing = false;
  #over = false;
  #closeSent = false;

  /** `onProgress` is called when it sent or acknowledged output. Call {@link Viewer.flush} once it is in its place. */
  constructor(link: MessageLink, viewed: Viewed, options: ViewerOptions & { readonly onProgress: () => void }) {
    this.link = link;
    this.#viewed = viewed;
    this.#onProgress = options.onProgress;
    this.role = options.role;
    this.shareId = options.shareId;
    this.canCredit = options.window !== Infinity;
    this.#scrollback = options.scrollback ?? 0;
    this.#comesBack = options.comesBack;
    this.#next = [...(options.from ?? [viewed.logs[0].end, viewed.logs[1].end])];
    this.#wantsScreen = options.from === undefined && viewed.screen !== undefined;
    this.#outstanding = [...(options.unacknowledged ?? [0, 0])];
    this.#credit = [options.window - this.#outstanding[0], options.window - this.#outstanding[1]];
    link.onDrain(() => {
      this.#hasRoom = true;
      this.flush();
      this.#onProgress();
    });
    if (options.heartbeat) this.#heartbeat = setInterval(() => this.#beat(), limits.webtty.heartbeatInterval.default);
  }

  /** Settles when it got everything, or left. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Offset up to which it has everything for good. */
  acknowledged(stream: StreamIndex): number {
    return this.#next[stream] - this.#outstanding[stream];
  }

  /** True when output waits that it cannot take now. */
  isBehind(stream: StreamIndex): boolean {
    return this.#next[stream] < this.#viewed.logs[stream].end;
  }

  /** Throws `ERR_RSTREAM_WEBTTY_PROTOCOL` for more than was sent. */
  addCredit(stream: StreamIndex, bytes: number): void {
    if (bytes > this.#outstanding[stream]) {
      throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The client acknowledged more output than it was sent.');
    }
    this.#outstanding[stream] -= bytes;
    this.#credit[stream] += bytes;
    this.flush();
    this.#onProgress();
  }

  resized(size: TerminalSize): void {
    if (this.#comesBack) this.link.send({ kind: 'parameter', terminalSize: size });
  }

  /** Tells it something about who controls the session. */
  tell(control: Partial<Omit<MessageOf<'control'>, 'kind'>>): void {
    this.link.send({ kind: 'control', action: 0, viewer: 0, role: this.role, keepMs: 0, tenure: 0, stdinWindow: 0, ...control });
  }

  /** Sends what can be sent, and the end when everything else was. */
  flush(): void {
    if (this.#over || this.#drawing || this.#closeSent) return;
    for (const stream of this.#viewed.streams) this.#flushStream(stream);
    if (this.#wantsScreen) return void this.#sendScreen();
    const { close, streams } = this.#viewed;
    if (close === undefined || !streams.every((stream) => this.#eosSent.has(stream))) return;
    this.#closeSent = true;
    this.link.send(close);
    if (!this.#comesBack) this.leave();
  }

  /** It is gone, or has nothing more to get. The connection is left to its owner. */
  leave(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#heartbeat);
    this.#done.resolve();
  }

  #flushStream(stream: StreamIndex): void {
    const log = this.#viewed.logs[stream];
    if (this.#viewed.screen !== undefined && this.#next[stream] < log.start) this.#wantsScreen = true;
    if (this.#wantsScreen) return;
    while (this.#hasRoom && this.#credit[stream] > 0 && this.#next[stream] < log.end) {
      const part = log.read(this.#next[stream], Math.min(this.#credit[stream], limits.webtty.dataBytes.default));
      this.#next[stream] += part.byteLength;
      this.#credit[stream] -= part.byteLength;
      if (this.canCredit) this.#outstanding[stream] += part.byteLength;
      this.#hasRoom = this.link.sendData(types[stream], part);
    }
    if (!log.isEnded || this.#next[stream] < log.end || this.#eosSent.has(stream)) return;
    this.#eosSent.add(stream);
    this.link.send({ kind: 'data', type: types[stream], eos: true });
  }

  async #sendScreen(): Promise<void> {
    const { screen } = this.#viewed;
    // A viewer whose connection is full would only be late again.
    if (screen === undefined || !this.#hasRoom || this.#credit[0] <= 0) return;
    this.#drawing = true;
    try {
      const drawn = await screen.snapshot(this.#scrollback);
      this.#wantsScreen = false;
      if (!this.#over) this.#place(drawn);
    } catch {
      // Without the emulator a screen cannot be had, and without a screen this viewer cannot go on.
      this.link.send({ kind: 'error', msg: 'The screen of the terminal cannot be drawn on the device.', reason: 0 });
      this.leave();
    } finally {
      this.#drawing = false;
    }
    this.flush();
    this.#onProgress();
  }

  /** The screen takes the place of the output before it. It needs no credit; what was sent before is still acknowledged. */
  #place({ offset, size, screen }: ScreenSnapshot): void {
    this.#next[0] = offset;
    this.link.send({ kind: 'snapshot', offset, size, screen });
  }

  #beat(): void {
    if (this.link.isIdle) this.link.send({ kind: 'heartbeat' });
  }
}
