import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { limits } from '@rstream/protocol';
import { ControlAction, SessionRole, type MessageOf, type SessionInfo, type TerminalSize } from '@rstream/protocol/webtty';
import type { Caller } from '../caller.ts';
import type { EndedBy } from '../record.ts';
import { StdinFeed } from '../stdin-feed.ts';
import { Flow } from './flow.ts';
import { OutputLog } from './output-log.ts';
import type { StreamIndex } from './output-source.ts';
import { Screen } from './screen.ts';
import type { SessionParts } from './parts.ts';
import { Shares } from './shares.ts';
import { closeOf, sessionInfo, sessionRecord, type SessionEnd, type SessionSummary } from './summary.ts';
import type { Viewed, Viewer } from './viewer.ts';

/** Timers of Node hold 32 bits; a longer time (24 days) is none. */
const MAX_TIMER_MS = 2_147_483_647;
const SECRET_BYTES = 32;

/** Makes the id of a session: nothing can be guessed from it, and it is no secret. */
export const newSessionId = (): string => `ses_${randomUUID().replaceAll('-', '')}`;

/** A started program with its output, its input and who looks at it. It outlives its connections as far as it was asked to. */
export class Session {
  readonly parts: SessionParts;
  readonly secret = randomBytes(SECRET_BYTES);
  readonly shares = new Shares((shareId) => this.#dropShare(shareId));
  readonly stdin: StdinFeed;
  readonly #logs = [new OutputLog(), new OutputLog()] as const;
  readonly #screen: Screen | undefined;
  readonly #flow: Flow;
  readonly #viewers = new Map<number, Viewer>();
  readonly #startedAt = performance.now();
  readonly #startedDate = Date.now();
  readonly #totals: [number, number] = [0, 0];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #streamsEnded = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #abandoned = Promise.withResolvers<void>();
  #idle: NodeJS.Timeout | undefined;
  #absence: NodeJS.Timeout | undefined;
  #release: NodeJS.Timeout | undefined;
  #controller: Viewer | undefined;
  #tenure = 0;
  #tenureStart = 0;
  #nextViewer = 1;
  #openStreams: number;
  #endedBy: EndedBy = 'exit';
  #close: MessageOf<'close'> | undefined;
  #end: SessionEnd | undefined;
  #size: TerminalSize | undefined;

  constructor(parts: SessionParts) {
    this.parts = parts;
    const { plan, execution } = parts;
    this.#size = plan.terminal?.size;
    this.#screen = this.#size === undefined ? undefined : new Screen(this.#logs[0], this.#size, () => this.#flow.balance());
    this.#flow = new Flow({
      source: execution.source,
      logs: this.#logs,
      screen: this.#screen,
      observer: parts.observer,
      job: parts.job,
    });
    this.#openStreams = execution.source.streams.length;
    this.stdin = new StdinFeed({
      stdin: execution.process.stdin,
      credits: plan.contract,
      onCredit: (bytes) => this.#controller?.link.send({ kind: 'stdinCredit', bytes }),
      onBacklog: (full) => (full ? this.#controller?.link.pause() : this.#controller?.link.resume()),
    });
    if (parts.job !== undefined) parts.job.onDrain = () => this.#flow.balance();
    if (parts.observer !== undefined) parts.observer.onCaughtUp = () => this.#flow.balance();
    this.#arm(plan.deadlineMs, () => this.end('deadline'));
    this.#armIdle();
    void this.#run();
  }

  /** Settles when the program is over and all of its output was read. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Settles when it has ended and nobody will come for the rest any more. */
  get released(): Promise<void> {
    return this.#abandoned.promise;
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  get controller(): Viewer | undefined {
    return this.#controller;
  }

  /** Number of the present tenure of control. */
  get tenure(): number {
    return this.#tenure;
  }

  /** Input that came from the present controller. */
  get inputOffset(): number {
    return this.stdin.received - this.#tenureStart;
  }

  /** What a viewer looks at. */
  get viewed(): Viewed {
    const closeMessage = (): Viewed['close'] => this.#close;
    return {
      logs: this.#logs,
      streams: this.parts.execution.source.streams,
      screen: this.#screen,
      get close() {
        return closeMessage();
      },
    };
  }

  /** True for who opened it. */
  isOwner(caller: Caller): boolean {
    return (this.parts.caller.userId ?? '') === (caller.userId ?? '');
  }

  hasSecret(secret: Uint8Array): boolean {
    return secret.byteLength === SECRET_BYTES && timingSafeEqual(secret, this.secret);
  }

  /** Lets output flow. Call when the first viewer is in its place, after its ack was sent. */
  open(): void {
    this.parts.execution.source.open({
      onData: (stream, chunk) => this.#take(stream, chunk),
      onEnd: (stream) => this.#endStream(stream),
    });
  }

  /** Offsets of each stream at its present end. */
  get offsets(): readonly [number, number] {
    return [this.#logs[0].end, this.#logs[1].end];
  }

  /** True when output from these offsets on can be sent exactly. */
  canContinue(from: readonly [number, number]): boolean {
    return this.#logs.every((log, index) => (from[index] ?? 0) >= log.start && (from[index] ?? 0) <= log.end);
  }

  /**
   * Puts a viewer in its place. A controller sets the pace of the program, and takes control from who had it. `continues`: it is the
   * client that had control, on a new connection.
   */
  add(viewer: Viewer, { continues = false }: { readonly continues?: boolean } = {}): number {
    const number = this.#nextViewer++;
    this.#viewers.set(number, viewer);
    if (viewer.role === SessionRole.CONTROLLER) this.#giveControl(viewer, continues);
    void viewer.done.then(() => this.#remove(number));
    return number;
  }

  /**
   * Ends the connection that a returning controller had before. It is lost without knowing it yet, or somebody else has the secret,
   * too: then it is told not to come back.
   */
  replaceController(): void {
    this.#controller?.tell({ action: ControlAction.REPLACED });
    this.#controller?.leave();
    this.#controller = undefined;
  }

  progress(): void {
    this.#flow.balance();
  }

  /** What the controller typed. */
  input(chunk: Uint8Array): void {
    this.#idle?.refresh();
    this.parts.observer?.input(chunk);
    this.stdin.write(chunk);
  }

  signal(name: NodeJS.Signals): void {
    this.parts.execution.process.signal(name);
  }

  resize(size: TerminalSize): void {
    if (this.#size === undefined || this.#end !== undefined) return;
    this.#size = size;
    this.#screen?.resize(size);
    this.parts.observer?.resize(size);
    this.parts.execution.process.resize?.(size);
    for (const viewer of this.#viewers.values()) if (viewer !== this.#controller) viewer.resized(size);
  }

  /** Asks the controller to hand over. False when there is none to ask. */
  requestControl(from: number): boolean {
    const controller = this.#controller;
    if (controller === undefined) return false;
    controller.tell({ action: ControlAction.REQUEST, viewer: from });
    return true;
  }

  /** The controller's answer. */
  answerControl(action: number, to: number): void {
    const viewer = this.#viewers.get(to);
    if (viewer === undefined || viewer.role !== SessionRole.VIEWER) return;
    if (action === ControlAction.GRANT) this.#handOver(viewer);
    else viewer.tell({ action: ControlAction.REFUSE, viewer: to });
  }

  /** Makes a viewer the controller when there is none. */
  takeFreeControl(viewer: Viewer): boolean {
    if (this.#controller !== undefined) return false;
    this.#handOver(viewer);
    return true;
  }

  /** The controller leaves on purpose, and the session stays. */
  detach(keepMs: number): void {
    const most = limits.webtty.detachedTerminal.default;
    const controller = this.#controller;
    this.#controller = undefined;
    this.#flow.pace = { kind: 'free' };
    controller?.leave();
    this.#waitForViewer(keepMs === 0 ? most : Math.min(keepMs, most));
    this.#flow.balance();
  }

  /** A viewer whose connection is gone, or broke the protocol (`failed`). Without its controller the session waits, or ends. */
  lose(viewer: Viewer, failed: boolean): void {
    viewer.leave();
    if (viewer !== this.#controller) return;
    this.#controller = undefined;
    // What has ended is kept as it is, for whoever lost the connection to its end.
    if (this.#close !== undefined) return;
    const { resumeMs } = this.parts;
    if (resumeMs === undefined || failed) {
      this.#flow.pace = { kind: 'free' };
      this.end(failed ? 'protocol' : 'disconnect');
    } else {
      this.#hold([viewer.acknowledged(0), viewer.acknowledged(1)]);
      this.#waitForViewer(resumeMs);
    }
    this.#flow.balance();
  }

  /** Ends it early: TERM, then KILL for its whole group. The first reason counts. A shutdown does not wait for a long grace. */
  end(reason: EndedBy): void {
    if (this.#endedBy !== 'exit' || this.#end !== undefined) return;
    this.#endedBy = reason;
    const { plan, execution } = this.parts;
    const grace = reason === 'shutdown' ? Math.min(plan.killGraceMs, limits.webtty.killGrace.default) : plan.killGraceMs;
    execution.process.terminate(grace);
    // Processes that left the group survive its KILL; their hold on the pipes must not keep the session.
    this.#arm(grace + limits.webtty.outputLinger.default, () => this.parts.execution.source.giveUp());
  }

  /** Who has everything says so, or nobody will come any more: what is kept can go. */
  forget(): void {
    if (this.#close !== undefined) this.#abandoned.resolve();
  }

  info(): SessionInfo {
    return sessionInfo(this.#summary());
  }

  #summary(): SessionSummary {
    const { job } = this.parts;
    return {
      parts: this.parts,
      startedAtMs: this.#startedDate,
      endedBy: this.#endedBy,
      end: this.#end,
      totals: this.#totals,
      stdinBytes: this.stdin.taken,
      kept: [job?.kept(0) ?? this.#logs[0].end, job?.kept(1) ?? this.#logs[1].end],
      viewers: this.#viewers.size,
      shares: this.shares.size,
    };
  }

  #take(stream: StreamIndex, chunk: Buffer): void {
    const { plan, observer, job } = this.parts;
    this.#idle?.refresh();
    const before = this.#totals[stream];
    this.#totals[stream] += chunk.byteLength;
    observer?.output(stream === 0 ? 'stdout' : 'stderr', chunk);
    const part = chunk.subarray(0, Math.max(0, plan.maxOutputBytes - before));
    if (job !== undefined) job.write(stream, part);
    else if (part.byteLength > 0) this.#logs[stream].append(part);
    for (const viewer of this.#viewers.values()) viewer.flush();
    this.#flow.balance();
  }

  #endStream(stream: StreamIndex): void {
    this.#openStreams -= 1;
    this.#logs[stream].finish();
    for (const viewer of this.#viewers.values()) viewer.flush();
    if (this.#openStreams === 0) this.#streamsEnded.resolve();
  }

  async #run(): Promise<void> {
    const { execution, onRecord, observer, job } = this.parts;
    const exit = await execution.process.exited;
    const durationMs = performance.now() - this.#startedAt;
    execution.source.finishAfterExit();
    await this.#streamsEnded.promise;
    await job?.finish();
    for (const timer of [...this.#timers, this.#idle, this.#absence]) clearTimeout(timer);
    execution.process.release();
    observer?.end(exit);
    this.#end = { exit, atMs: Date.now(), durationMs };
    this.#close = closeOf(this.#summary(), this.#end);
    onRecord(sessionRecord(this.#summary(), this.#end));
    this.#ended.resolve();
    for (const viewer of this.#viewers.values()) viewer.flush();
    this.#releaseLater();
  }

  /** What a controller did not get yet is kept for a while, if it can come back for it. */
  #releaseLater(): void {
    const { resumeMs, job } = this.parts;
    if (job !== undefined) return;
    if (resumeMs === undefined || this.#endedBy === 'disconnect') {
      const last = this.#controller;
      if (last === undefined) this.#abandoned.resolve();
      else void last.done.then(() => this.#abandoned.resolve());
      return;
    }
    this.#release = setTimeout(() => this.#abandoned.resolve(), Math.min(resumeMs, limits.webtty.endedSession.default));
  }

  /** Its place in the table is gone: nothing of it stays. */
  dispose(): void {
    clearTimeout(this.#release);
    this.shares.clear();
    this.#screen?.dispose();
    for (const viewer of this.#viewers.values()) viewer.leave();
  }

  #giveControl(viewer: Viewer, continues: boolean): void {
    const before = this.#controller;
    clearTimeout(this.#absence);
    this.#controller = viewer;
    this.#flow.pace = { kind: 'viewer', viewer };
    if (!continues) {
      this.#tenure += 1;
      this.#tenureStart = this.stdin.received;
    }
    if (before === undefined || before === viewer) return;
    before.role = SessionRole.VIEWER;
    before.tell({ action: ControlAction.ROLE, role: SessionRole.VIEWER });
  }

  #handOver(viewer: Viewer): void {
    this.#giveControl(viewer, false);
    viewer.role = SessionRole.CONTROLLER;
    viewer.tell({
      action: ControlAction.ROLE,
      role: SessionRole.CONTROLLER,
      tenure: this.#tenure,
      stdinWindow: this.parts.plan.contract ? this.stdin.takeWindow() : 0,
    });
  }

  #remove(number: number): void {
    if (this.#viewers.get(number) === this.#controller) this.#controller = undefined;
    this.#viewers.delete(number);
  }

  #hold(from: readonly [number, number]): void {
    this.#flow.pace = { kind: 'held', from };
    if (this.#screen === undefined) return;
    // A terminal can be drawn anew: its program is not held back for long.
    this.#arm(limits.webtty.resumeHold.default, () => {
      if (this.#flow.pace.kind !== 'held') return;
      this.#flow.pace = { kind: 'free' };
      this.#flow.balance();
    });
  }

  #waitForViewer(ms: number): void {
    clearTimeout(this.#absence);
    this.#absence = setTimeout(() => this.end('disconnect'), ms);
  }

  #armIdle(): void {
    const { idleMs } = this.parts.plan;
    if (idleMs !== undefined && idleMs <= MAX_TIMER_MS) this.#idle = setTimeout(() => this.end('idle'), idleMs);
  }

  #arm(ms: number | undefined, then: () => void): void {
    if (ms !== undefined && ms <= MAX_TIMER_MS) this.#timers.push(setTimeout(then, ms));
  }

  #dropShare(shareId: string): void {
    for (const viewer of this.#viewers.values()) if (viewer.shareId === shareId) viewer.leave();
  }
}
