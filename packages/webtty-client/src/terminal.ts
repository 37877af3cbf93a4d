import { limits } from '@rstream/protocol';
import { ControlAction, OpenCapability, SessionRole, type MessageOf } from '@rstream/protocol/webtty';
import { RunningCommand, type CommandOutcome } from './command.ts';
import { controlMessage } from './control-message.ts';
import { resumeCapabilities } from './session-messages.ts';
import {
  firstOpen,
  fromBase64Url,
  sessionKey,
  startSession,
  type FirstMessage,
  type OpenCommandOptions,
  type SessionKey,
  type Started,
} from './start.ts';
import { openTerminalMessage, sizeMessage, viewportOf, type TerminalRequest, type TerminalViewport } from './terminal-request.ts';
import type { WebttyTransport } from './transport.ts';

/** What a viewer may do: type, look and ask for control, or only look. */
export type TerminalRole = 'controller' | 'viewer' | 'spectator';

export interface OpenTerminalOptions extends OpenCommandOptions {
  /**
   * Lines above the screen that are wanted when the screen is drawn anew after a gap; then everything before is cleared. Default 0:
   * only the screen is drawn.
   */
  readonly scrollback?: number | undefined;
  /** Told of the role, when it is not `controller` from the start, and when it changes. */
  readonly onRole?: ((role: TerminalRole) => void) | undefined;
  /** Another viewer asks for control: answer with `grantControl` or `refuseControl`. */
  readonly onControlRequest?: ((viewer: number) => void) | undefined;
  /** What we asked for was refused by the controller. */
  readonly onControlRefused?: (() => void) | undefined;
  /** The size of the terminal, when somebody else sets it. */
  readonly onSize?: ((size: TerminalViewport) => void) | undefined;
}

/**
 * Opens a terminal on the device at the other end of `transport`, which this call owns from now on.
 *
 * @throws RstreamError as `openCommand`; `ERR_RSTREAM_COMMAND_UNSUPPORTED` when the device's policy offers no terminal,
 * `ERR_RSTREAM_TERMINAL_MISSING` when it has nothing to make one with.
 */
export async function openTerminal(
  transport: WebttyTransport,
  request: TerminalRequest,
  options: OpenTerminalOptions = {},
): Promise<RemoteTerminal> {
  const first = (): FirstMessage => firstOpen(openTerminalMessage(request), options, options.scrollback);
  const started = await startSession(transport, first, options);
  const terminal = new RemoteTerminal(started, { options, killGraceMs: request.killGraceMs });
  // A published server learns the size only now; and one that can be lost has to be told again.
  if (started.resumable !== undefined || !started.ack.capabilities.includes(OpenCapability.OUTPUT_CREDIT)) await terminal.resize(request);
  return terminal;
}

/** A terminal that exists already. */
export interface TerminalTarget extends Partial<TerminalViewport> {
  readonly sessionId: string;
  /** base64url: that of the session or of a share. Without it the terminal must be one's own. */
  readonly secret?: string | undefined;
  /** Default `controller`; with one connected already, it becomes `viewer`. A share gives `spectator`, whatever is asked for. */
  readonly role?: TerminalRole | undefined;
}

/**
 * Joins a terminal that runs on the device at the other end of `transport`, which this call owns from now on. Its screen comes
 * first.
 *
 * @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND`, and as `openTerminal`.
 */
export async function attachTerminal(
  transport: WebttyTransport,
  target: TerminalTarget,
  options: OpenTerminalOptions = {},
): Promise<RemoteTerminal> {
  const started = await startSession(transport, () => firstAttach(target, options.scrollback ?? 0), options);
  return new RemoteTerminal(started, { options, killGraceMs: undefined });
}

function firstAttach(
  { sessionId, secret: text, role: asked = 'controller', rows, columns }: TerminalTarget,
  scrollback: number,
): FirstMessage {
  const secret = text === undefined ? undefined : fromBase64Url(text);
  const size = rows === undefined || columns === undefined ? undefined : sizeMessage({ rows, columns }).terminalSize;
  const role = roleNumbers[asked];
  const message: MessageOf<'resume'> = {
    kind: 'resume',
    sessionId,
    ...(secret === undefined ? {} : { secret }),
    role,
    capabilities: resumeCapabilities,
    stdoutUnconsumed: 0,
    stderrUnconsumed: 0,
    heartbeat: true,
    scrollback,
    tenure: 0,
    ...(size === undefined ? {} : { terminalSize: size }),
  };
  return { message, role, secret, heartbeat: true, scrollback };
}

const roleNumbers = { controller: SessionRole.CONTROLLER, viewer: SessionRole.VIEWER, spectator: SessionRole.SPECTATOR } as const;

function roleName(role: number): TerminalRole {
  if (role === SessionRole.VIEWER) return 'viewer';
  return role === SessionRole.SPECTATOR ? 'spectator' : 'controller';
}

interface TerminalParts {
  readonly options: OpenTerminalOptions;
  readonly killGraceMs: number | undefined;
}

/** A terminal on a device, and the program on it. */
export class RemoteTerminal {
  /**
   * What to show. A chunk counts as consumed when the next one is asked for: ask when the viewer has taken it, not before,
   * because the device sends no more than `limits.webtty.terminalWindow` ahead of that.
   */
  readonly output: AsyncIterable<Uint8Array>;
  /** What it takes to come back to it from elsewhere; undefined from a server that cannot keep sessions. */
  readonly session: SessionKey | undefined;
  readonly #started: Started;
  readonly #command: RunningCommand;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #options: OpenTerminalOptions;
  #role: TerminalRole;

  /** Made by {@link openTerminal} and {@link attachTerminal}. */
  constructor(started: Started, { options, killGraceMs }: TerminalParts) {
    this.#started = started;
    this.#options = options;
    this.#role = roleName(started.ack.session?.role ?? SessionRole.CONTROLLER);
    this.session = sessionKey(started.ack.session);
    this.#command = new RunningCommand(started, {
      request: { killGraceMs },
      signal: options.signal,
      terminal: {
        clearsHistory: (options.scrollback ?? 0) > 0,
        onSize: ({ terminalSize }) => {
          if (terminalSize !== undefined) options.onSize?.(viewportOf(terminalSize));
        },
        onControl: (message) => this.#onControl(message),
      },
    });
    if (started.resumable !== undefined) started.resumable.onRole = (role) => this.#setRole(roleName(role));
    this.output = this.#command.stdout;
    this.#heartbeat = setInterval(() => this.#send({ kind: 'heartbeat' }), limits.webtty.heartbeatInterval.default);
    const stop = (): void => clearInterval(this.#heartbeat);
    this.#command.wait().then(stop, stop);
    if (this.#role !== 'controller') options.onRole?.(this.#role);
  }

  get role(): TerminalRole {
    return this.#role;
  }

  /** Sends what was typed; settles when more may be sent. Only the controller's input counts. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#role === 'controller') await this.#command.stdin.write(bytes);
  }

  /** Tells the program how large the viewer is. @throws RstreamError `ERR_RSTREAM_COMMAND_INVALID` */
  async resize(size: TerminalViewport): Promise<void> {
    await this.#started.messages.send(sizeMessage(size));
  }

  /** Sends a signal, by name, to the foreground. Rejects when the server has no such message: type Ctrl-C instead. */
  kill(signal = 'SIGTERM'): Promise<void> {
    return this.#command.kill(signal);
  }

  /** Asks the controller to hand over; without one, control comes at once. `onRole` or `onControlRefused` tells. */
  requestControl(): void {
    this.#control(ControlAction.REQUEST);
  }

  /** Hands control over to a viewer that asked. */
  grantControl(viewer: number): void {
    this.#control(ControlAction.GRANT, viewer);
  }

  refuseControl(viewer: number): void {
    this.#control(ControlAction.REFUSE, viewer);
  }

  /** Leaves the terminal running on the device, for `keepMs` (default `limits.webtty.detachedTerminal`). Its end is not waited for. */
  detach(keepMs = 0): void {
    if (this.#role === 'controller') this.#send(controlMessage({ action: ControlAction.DETACH, keepMs }));
    this.#command.leave();
  }

  /** Round trip to the device in ms, past all output under way. */
  latency(): Promise<number> {
    return this.#command.latency();
  }

  /** The network is back: try now instead of at the end of the present pause. */
  retryNow(): void {
    this.#started.resumable?.hurry();
  }

  /** Hangs up: the device ends what runs on the terminal. A viewer only leaves. */
  close(): void {
    if (this.#role === 'controller') this.#command.cancel();
    else this.#command.leave();
  }

  /** Resolves when the program has ended and its output has arrived. Rejects when the connection broke before that. */
  wait(): Promise<CommandOutcome> {
    return this.#command.wait();
  }

  #onControl({ action, viewer, role, stdinWindow }: MessageOf<'control'>): void {
    if (action === ControlAction.ROLE) {
      this.#command.setInputWindow(stdinWindow);
      this.#setRole(roleName(role));
    } else if (action === ControlAction.REQUEST) this.#options.onControlRequest?.(viewer);
    else if (action === ControlAction.REFUSE) this.#options.onControlRefused?.();
  }

  #setRole(role: TerminalRole): void {
    if (role === this.#role) return;
    this.#role = role;
    this.#options.onRole?.(role);
  }

  #control(action: number, viewer = 0): void {
    this.#send(controlMessage({ action, viewer }));
  }

  #send(message: Parameters<Started['messages']['send']>[0]): void {
    // A connection that is gone shows itself where it is read.
    this.#started.messages.send(message).catch(() => undefined);
  }
}
