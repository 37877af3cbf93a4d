import { RstreamError, toRstreamError } from '@rstream/protocol';
import {
  attachTerminal,
  openTerminal,
  shareSession,
  transportFromWebSocket,
  type CommandOutcome,
  type LinkState,
  type OpenTerminalOptions,
  type RemoteTerminal,
  type TerminalRole,
  type TerminalViewport,
  type WebttyTransport,
} from '@rstream/webtty-client';
import { shareLink, type PageAddress } from './address.ts';
import type { KeptSession, SessionKeeper } from './kept-session.ts';

/** Where the session stands. */
export type Phase =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'online' }
  /** The connection was lost; `retryAt` (epoch ms) is when it is tried again. */
  | { readonly kind: 'lost'; readonly retryAt: number }
  | { readonly kind: 'ended'; readonly words: string }
  | { readonly kind: 'failed'; readonly error: RstreamError };

/** What the page shows of its session. */
export interface SessionState {
  readonly phase: Phase;
  readonly role: TerminalRole;
  /** Another viewer that asks for control. */
  readonly asking: number | undefined;
  /** What became of our own question for control. */
  readonly asked: 'no' | 'waiting' | 'refused';
}

/** The screen, as a session needs it. */
export interface Screen {
  /** Resolves when the bytes are on the screen: that is when the device may send more. */
  write(chunk: Uint8Array): Promise<void>;
  readonly size: TerminalViewport;
  /** Takes over the size that another viewer gave the terminal; undefined: fits the window again. */
  follow(size: TerminalViewport | undefined): void;
  reset(): void;
}

export interface SessionParts {
  readonly address: PageAddress;
  readonly keeper: SessionKeeper;
  readonly screen: Screen;
  readonly onState: (state: SessionState) => void;
  /** False when another tab has the session. */
  readonly claim: (id: string) => Promise<boolean>;
}

/** Lines above the screen that a reload brings back. */
const SCROLLBACK = 1_000;
const initial: SessionState = { phase: { kind: 'connecting' }, role: 'controller', asking: undefined, asked: 'no' };

/** One terminal of this page: opened or continued, shown, come back to when its connection is lost, and never replaced by another unasked. */
export class PageSession {
  readonly #parts: SessionParts;
  /** The session that this tab has claimed. */
  #claimed: string | undefined;
  #state: SessionState = initial;
  #terminal: RemoteTerminal | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    if (parts.address.share !== undefined) this.#state = { ...initial, role: 'spectator' };
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Begins with what the tab remembers: its session, that it ended, or nothing yet. */
  async start(): Promise<void> {
    const { address, keeper } = this.#parts;
    if (address.attach !== undefined) keeper.keep({ state: 'running', id: address.attach, secret: undefined });
    const kept = keeper.read();
    if (address.share === undefined && kept.state === 'ended') return this.#update({ phase: { kind: 'ended', words: kept.words } });
    return this.#run(kept.state === 'running' && !(await this.#claim(kept.id)) ? { ...kept, secret: undefined } : kept);
  }

  /** A new session, because the person at the page asked for one. */
  async startAfresh(): Promise<void> {
    this.#parts.keeper.keep({ state: 'none' });
    this.#parts.screen.reset();
    await this.#run({ state: 'none' });
  }

  /** Sends what was typed; only the controller's input counts. */
  type(bytes: Uint8Array): void {
    if (this.#state.role === 'controller') this.#terminal?.write(bytes).catch(() => undefined);
  }

  resize(size: TerminalViewport): void {
    if (this.#state.role === 'controller') this.#terminal?.resize(size).catch(() => undefined);
  }

  retryNow(): void {
    this.#terminal?.retryNow();
  }

  askForControl(): void {
    this.#update({ asked: 'waiting' });
    this.#terminal?.requestControl();
  }

  answerControl(isGranted: boolean): void {
    const { asking } = this.#state;
    this.#update({ asking: undefined });
    if (asking === undefined) return;
    if (isGranted) this.#terminal?.grantControl(asking);
    else this.#terminal?.refuseControl(asking);
  }

  /** Round trip in ms; undefined while there is none. */
  async latency(): Promise<number | undefined> {
    return this.#terminal?.latency().catch(() => undefined);
  }

  /** A link that shows this session, read-only, and when it stops to. */
  async share(origin: string): Promise<{ readonly link: string; readonly expiresAt: Date }> {
    const session = this.#terminal?.session;
    if (session === undefined) throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND');
    const transport = await this.#connect(AbortSignal.timeout(15_000));
    const { shareId, secret, expiresAt } = await shareSession(transport, session.id, { secret: session.secret });
    return { link: shareLink(origin, shareId, { sessionId: session.id, secret }), expiresAt };
  }

  async #claim(id: string): Promise<boolean> {
    if (this.#claimed === id) return true;
    const isOurs = await this.#parts.claim(id);
    if (isOurs) this.#claimed = id;
    return isOurs;
  }

  async #run(kept: KeptSession): Promise<void> {
    this.#update({ ...initial, role: this.#parts.address.share === undefined ? 'controller' : 'spectator' });
    try {
      const terminal = await this.#open(kept);
      this.#terminal = terminal;
      const { session } = terminal;
      if (session !== undefined && this.#parts.address.share === undefined) {
        this.#parts.keeper.keep({ state: 'running', id: session.id, secret: session.secret });
        if (session.secret !== undefined) void this.#claim(session.id);
      }
      this.#update({ phase: { kind: 'online' }, role: terminal.role });
      for await (const chunk of terminal.output) await this.#parts.screen.write(chunk);
      this.#end(wordsOf(await terminal.wait()));
    } catch (reason) {
      this.#fail(toRstreamError(reason, 'ERR_RSTREAM_WEBTTY_LOST'));
    } finally {
      this.#terminal = undefined;
    }
  }

  async #open(kept: KeptSession): Promise<RemoteTerminal> {
    const { address, screen } = this.#parts;
    const { share } = address;
    const options = this.#options();
    if (share !== undefined) {
      if (share.key === undefined)
        throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND', 'This link is incomplete: its secret part is missing.');
      return attachTerminal(await this.#connect(), { ...share.key, role: 'spectator' }, options);
    }
    const transport = await this.#connect();
    if (kept.state !== 'running') return openTerminal(transport, screen.size, options);
    return attachTerminal(transport, { sessionId: kept.id, secret: kept.secret, role: 'controller', ...screen.size }, options);
  }

  #connect(signal?: AbortSignal): Promise<WebttyTransport> {
    return transportFromWebSocket(this.#parts.address.socketUrl, { signal });
  }

  #options(): OpenTerminalOptions {
    const { screen } = this.#parts;
    return {
      scrollback: SCROLLBACK,
      reconnect: (signal) => this.#connect(signal),
      onLink: (state) => this.#onLink(state),
      onRole: (role) => this.#onRole(role),
      onControlRequest: (viewer) => this.#update({ asking: viewer }),
      onControlRefused: () => this.#update({ asked: 'refused' }),
      onSize: (size) => {
        if (this.#state.role !== 'controller') screen.follow(size);
      },
    };
  }

  #onLink({ state, retryInMs = 0 }: LinkState): void {
    this.#update({ phase: state === 'resumed' ? { kind: 'online' } : { kind: 'lost', retryAt: Date.now() + retryInMs } });
  }

  #onRole(role: TerminalRole): void {
    this.#update({ role, asked: 'no', asking: undefined });
    if (role === 'controller') this.#parts.screen.follow(undefined);
  }

  #end(words: string): void {
    if (this.#parts.address.share === undefined) this.#parts.keeper.keep({ state: 'ended', words });
    this.#update({ phase: { kind: 'ended', words }, asking: undefined });
  }

  /** A session that is not there any more has ended, as far as this page can know; other failures may pass. */
  #fail(error: RstreamError): void {
    const isOver = error.code === 'ERR_RSTREAM_SESSION_NOT_FOUND' || error.code === 'ERR_RSTREAM_SESSION_ENDED';
    if (isOver && this.#parts.address.share === undefined) this.#end('The session is no longer there.');
    else this.#update({ phase: { kind: 'failed', error }, asking: undefined });
  }

  #update(change: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...change };
    this.#parts.onState(this.#state);
  }
}

/** How a session ended, for people. */
export function wordsOf({ exitCode, signal, timedOut }: CommandOutcome): string {
  if (timedOut) return 'The session ended: its time was up.';
  if (signal !== null) return `The session ended by ${signal}.`;
  return exitCode === null ? 'The session ended.' : `The session ended with exit code ${exitCode}.`;
}
