import { constants } from 'node:os';
import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import { DataType, type CloseReport, type Message, type MessageOf } from '@rstream/protocol/webtty';
import type { Execution } from './execution.ts';
import type { MessageLink } from './message-link.ts';
import type { CommandPlan } from './plan.ts';
import type { ProcessExit } from './process.ts';
import type { EndedBy } from './record.ts';
import type { OutputFlow, RunningProcess } from './running-process.ts';
import { StdinFeed } from './stdin-feed.ts';
import { usableSize } from './terminal/terminal-plan.ts';

/** Timers of Node hold 32 bits; a longer deadline (24 days) is no deadline. */
const MAX_TIMER_MS = 2_147_483_647;

/** How a command went. */
export interface CommandEnd extends ProcessExit {
  readonly endedBy: EndedBy;
  readonly durationMs: number;
  readonly stdinBytes: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** A started command and the connection that it belongs to: routes messages in, output out, and owns every reason to end it early. */
export class RunningCommand {
  readonly #link: MessageLink;
  readonly #plan: CommandPlan;
  readonly #process: RunningProcess;
  readonly #startedAt = performance.now();
  readonly #output: OutputFlow;
  readonly #stdin: StdinFeed;
  readonly #timers: NodeJS.Timeout[] = [];
  #endedBy: EndedBy = 'exit';
  #failure: RstreamError | undefined;

  /** Call after the ack was sent: output may follow at once. */
  constructor(link: MessageLink, plan: CommandPlan, { process, openOutput }: Execution) {
    this.#link = link;
    this.#plan = plan;
    this.#process = process;
    this.#output = openOutput(link);
    this.#stdin = new StdinFeed(link, process.stdin, plan.contract);
    if (plan.deadlineMs !== undefined && plan.deadlineMs <= MAX_TIMER_MS) {
      this.#timers.push(setTimeout(() => this.end('deadline'), plan.deadlineMs));
    }
    if (plan.heartbeat) {
      const beat = (): void => {
        if (link.isIdle) link.send({ kind: 'heartbeat' });
      };
      this.#timers.push(setInterval(beat, limits.webtty.heartbeatInterval.default));
    }
    link.listen({ onMessage: (message) => this.#onMessage(message), onGone: (error) => this.#onGone(error) });
  }

  /** Ends the command early: TERM, then KILL for its whole group. The first reason counts. A shutdown does not wait for a long grace. */
  end(reason: EndedBy): void {
    if (this.#endedBy !== 'exit') return;
    this.#endedBy = reason;
    const asked = this.#plan.killGraceMs;
    const grace = reason === 'shutdown' ? Math.min(asked, limits.webtty.killGrace.default) : asked;
    this.#process.terminate(grace);
    // Processes that left the group survive its KILL; their hold on the pipes must not keep the session.
    const patience = grace + limits.webtty.outputLinger.default;
    this.#timers.push(setTimeout(() => this.#output.giveUp(), patience));
  }

  /** Runs to the end and sends the last messages. Never rejects. */
  async finish(): Promise<CommandEnd> {
    const exit = await this.#process.exited;
    const durationMs = performance.now() - this.#startedAt;
    this.#output.finishAfterExit();
    await this.#output.finished;
    for (const timer of this.#timers) clearInterval(timer);
    this.#process.release();
    const end: CommandEnd = {
      ...exit,
      endedBy: this.#endedBy,
      durationMs,
      stdinBytes: this.#stdin.taken,
      stdoutBytes: this.#output.totals.stdout,
      stderrBytes: this.#output.totals.stderr,
    };
    this.#sendEnd(end);
    return end;
  }

  #sendEnd(end: CommandEnd): void {
    if (this.#failure !== undefined) this.#link.send({ kind: 'error', msg: this.#failure.message, reason: 0 });
    else this.#link.send({ kind: 'close', returnCode: end.code ?? -1, ...(this.#plan.contract ? { report: reportOf(end) } : {}) });
  }

  #onMessage(message: Message): void {
    try {
      this.#handle(message);
    } catch (error) {
      this.#onGone(toRstreamError(error, 'ERR_RSTREAM_WEBTTY_PROTOCOL'));
    }
  }

  #handle(message: Message): void {
    switch (message.kind) {
      case 'data':
        if (message.type !== DataType.STDIN || message.encryptedData !== undefined) throw protocolError('The client sent output.');
        if (message.data !== undefined) this.#stdin.write(message.data);
        // The input of a terminal has no end: a program that reads it is told with Ctrl-D.
        else if (this.#plan.terminal === undefined) this.#stdin.end();
        break;
      case 'signal':
        if (message.cancel) this.end('cancel');
        else this.#process.signal(signalName(message.name));
        break;
      case 'error':
        this.end('cancel');
        break;
      case 'open':
        throw protocolError('The process is already started: one connection runs one command.');
      case 'parameter':
        this.#resize(message);
        break;
      case 'outputCredit':
        this.#output.addCredit?.(message.bytes);
        break;
      case 'heartbeat':
      case 'unknown':
        break;
      default:
        throw protocolError(`A client does not send "${message.kind}".`);
    }
  }

  #resize({ terminalSize }: MessageOf<'parameter'>): void {
    const size = terminalSize === undefined ? undefined : usableSize(terminalSize);
    if (size !== undefined) this.#process.resize?.(size);
  }

  #onGone(error?: RstreamError): void {
    this.#failure = error;
    this.#output.discard();
    this.end(error === undefined ? 'disconnect' : 'protocol');
  }
}

const protocolError = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', message);

function signalName(name: string): NodeJS.Signals {
  if (!Object.hasOwn(constants.signals, name)) throw protocolError(`There is no signal "${name.slice(0, 20)}".`);
  return name as NodeJS.Signals;
}

function reportOf(end: CommandEnd): CloseReport {
  return {
    signal: end.signal ?? '',
    timedOut: end.endedBy === 'deadline',
    cancelled: end.endedBy === 'cancel',
    stdoutBytes: end.stdoutBytes,
    stderrBytes: end.stderrBytes,
    durationMs: Math.round(end.durationMs),
  };
}
