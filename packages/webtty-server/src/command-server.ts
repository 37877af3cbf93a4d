import type { Duplex } from 'node:stream';
import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import type { MessageOf } from '@rstream/protocol/webtty';
import type { Caller } from './caller.ts';
import { readFirstMessage, type FirstMessage } from './first-message.ts';
import type { MessageLink } from './message-link.ts';
import { speaksContract } from './plan.ts';
import { refusedRecord } from './record.ts';
import { refusalMessage } from './refusal.ts';
import type { CommandServerOptions, ServeOptions, SessionHost } from './session/host.ts';
import { JobStore } from './session/job-store.ts';
import { openSession } from './session/open.ts';
import { answerSessionsRequest } from './session/requests.ts';
import { resumeSession } from './session/resume.ts';
import { SessionTable } from './session/table.ts';
import { StreamLink } from './stream-link.ts';

/** Serves the commands, terminals and jobs of one device: counts them, records them, and stops them in order. */
export class CommandServer implements SessionHost {
  readonly options: CommandServerOptions;
  readonly table: SessionTable;
  readonly jobs: JobStore | undefined;
  readonly #serving = new Set<Promise<unknown>>();
  #starting = 0;
  #stopping = false;

  constructor(options: CommandServerOptions = {}) {
    this.options = options;
    this.table = new SessionTable(options.maxSessions ?? limits.webtty.maxSessions.default);
    this.jobs = options.jobDirectory === undefined ? undefined : new JobStore(options.jobDirectory);
  }

  /** Sessions that run now. */
  get running(): number {
    return this.table.running;
  }

  /** Serves one connection in the `plain` framing, and closes the stream. Never rejects. */
  serve(stream: Duplex, caller: Caller, options: ServeOptions = {}): Promise<void> {
    return this.serveLink(new StreamLink(stream), caller, options);
  }

  /** Serves one connection, and closes it. Never rejects: whatever happens is in a record. */
  async serveLink(link: MessageLink, caller: Caller, options: ServeOptions = {}): Promise<void> {
    const serving = this.#serve(link, caller, options).then(() => link.close(limits.webtty.closeTimeout.default));
    this.#serving.add(serving);
    await serving.finally(() => this.#serving.delete(serving));
  }

  /**
   * Takes no more sessions and waits for the running ones; what still runs after `deadlineMs` is ended with TERM, then KILL.
   * A terminal that nobody is connected to is ended at once.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    for (const session of this.table.all()) {
      if (session.parts.job === undefined && session.controller === undefined) session.end('shutdown');
    }
    const abort = setTimeout(() => {
      for (const session of this.table.all()) session.end('shutdown');
    }, deadlineMs);
    const { killGrace, outputLinger, cancelTimeout } = limits.webtty;
    // After the deadline: KILL, the last output, and a moment for peers to take it. A peer that never closes is not waited for.
    const patience = deadlineMs + killGrace.default + outputLinger.default + cancelTimeout.default;
    let giveUp: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      giveUp = setTimeout(resolve, patience);
    });
    const over = this.table.all().map((session) => session.ended);
    await Promise.race([Promise.allSettled([...this.#serving, ...over]), tooLong]);
    clearTimeout(abort);
    clearTimeout(giveUp);
    for (const session of this.table.all()) session.forget();
  }

  async admit<Result>(start: () => Promise<Result>): Promise<Result> {
    if (this.#stopping) throw new RstreamError('ERR_RSTREAM_DEVICE_STOPPING');
    this.table.assertRoom(this.#starting);
    this.#starting += 1;
    try {
      return await start();
    } finally {
      this.#starting -= 1;
    }
  }

  async #serve(link: MessageLink, caller: Caller, options: ServeOptions): Promise<void> {
    const startedAt = performance.now();
    let first: FirstMessage | undefined;
    try {
      first = await readFirstMessage(link, this.options.openTimeoutMs ?? limits.webtty.openTimeout.default);
      await this.#begin(link, { first, caller, options });
    } catch (cause) {
      const error = toRstreamError(cause);
      link.send(refusalMessage(error, first !== undefined && isOurs(first)));
      const open = first?.kind === 'open' ? first : undefined;
      this.options.onRecord?.(refusedRecord({ error, open, caller, durationMs: performance.now() - startedAt }));
    }
  }

  async #begin(link: MessageLink, { first, caller, options }: Beginning): Promise<void> {
    if (options.only === 'share' && first.kind !== 'resume') throw new RstreamError('ERR_RSTREAM_SESSION_READ_ONLY');
    if (first.kind === 'open') return openSession(this, { link, open: first, caller });
    if (first.kind === 'resume') return resumeSession(this, { link, resume: first, caller, options });
    link.send(await answerSessionsRequest(first, { table: this.table, jobs: this.jobs, caller }));
  }
}

interface Beginning {
  readonly first: FirstMessage;
  readonly caller: Caller;
  readonly options: ServeOptions;
}

/** Only a client of ours is told reasons as numbers. */
const isOurs = (first: FirstMessage | MessageOf<'open'>): boolean => first.kind !== 'open' || speaksContract(first);
