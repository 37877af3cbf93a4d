import { join } from 'node:path';
import { constants } from 'node:os';
import { limits, RstreamError } from '@rstream/protocol';
import type { TerminalSize } from '@rstream/protocol/webtty';
import type { ProcessExit } from '../process.ts';
import type { SessionFacts, SessionObserver } from '../session/observer.ts';
import { encodeEvent, factsOf, type CastEvent, type CastHeader, type RecordingFacts } from './cast.ts';
import { createCastFile, type CastFile, type OpenFile } from './cast-file.ts';
import { chainStart } from './chain.ts';
import { recordingName } from './directory.ts';
import { redact } from './redaction.ts';
import { Timeline, type TextStream } from './timeline.ts';

/** How sessions are recorded. */
export interface RecordingSettings {
  readonly directory: string;
  readonly input: boolean;
  readonly maxFileBytes: number;
  readonly rules: readonly RegExp[];
  readonly openFile: OpenFile;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** What its owner is told. */
export interface RecordingEvents {
  /** A file is about to be made. */
  onOpen(name: string): void;
  /** A file is complete, or given up. */
  onClose(name: string): void;
  /** The recording ended, and its session goes on. */
  onFailure(error: RstreamError): void;
}

/** Begins the recording of a session: its first file is open. */
export async function startRecording(facts: SessionFacts, settings: RecordingSettings, events: RecordingEvents): Promise<SessionRecording> {
  const startedAt = settings.now();
  const first = await openPart({ facts, settings, events }, { part: 1, us: 0, size: sizeOf(facts.terminal?.size) });
  return new SessionRecording({ facts, settings, events, first, startedAt });
}

interface CastSize {
  readonly cols: number;
  readonly rows: number;
}

/** Players need a size; a program with pipes has none. */
const pipeSize: CastSize = { cols: 80, rows: 24 };

interface Part {
  readonly part: number;
  /** Begin of the file, in µs since the session began. */
  readonly us: number;
  readonly size: CastSize;
  readonly previous?: CastFile | undefined;
}

async function openPart({ facts, settings, events }: Pick<Parts, 'facts' | 'settings' | 'events'>, part: Part): Promise<CastFile> {
  const { directory, input, rules, openFile } = settings;
  const startedAt = new Date(facts.startedAt.getTime() + Math.round(part.us / 1_000));
  const ours: RecordingFacts = {
    ...factsOf(facts),
    part: part.part,
    started_at: startedAt.toISOString(),
    input,
    previous: part.previous === undefined ? undefined : { file: part.previous.name, hash: part.previous.hash },
  };
  const header: CastHeader = {
    version: 3,
    term: { cols: part.size.cols, rows: part.size.rows, type: facts.terminal?.term },
    timestamp: Math.floor(startedAt.getTime() / 1_000),
    command: commandOf(facts.argv, rules),
    title: facts.label === '' ? undefined : redact(rules, facts.label),
    rstream: ours,
  };
  const name = recordingName(facts.startedAt, facts.id, part.part);
  // Told before it is there, so that it is never taken for an old one.
  events.onOpen(name);
  try {
    return await createCastFile({ path: join(directory, name), header, start: part.previous?.hash ?? chainStart, openFile });
  } catch (error) {
    events.onClose(name);
    throw error;
  }
}

/** As it was typed, more or less: redacted before it is cut, so that no cut leaves half a secret. */
function commandOf(argv: readonly string[], rules: readonly RegExp[]): string {
  const { auditedArgv, recordingEvent } = limits.webtty;
  return redact(rules, argv.join(' ').slice(0, recordingEvent.default)).slice(0, auditedArgv.default);
}

interface Parts {
  readonly facts: SessionFacts;
  readonly settings: RecordingSettings;
  readonly events: RecordingEvents;
  readonly first: CastFile;
  readonly startedAt: number;
}

/** Records one session: what comes is queued and written in batches. A session that is faster than the disk is held back. */
export class SessionRecording implements SessionObserver {
  onCaughtUp: (() => void) | undefined;
  /** Settles when the last byte is written or given up. Never rejects. */
  readonly closed: Promise<void>;
  readonly #parts: Parts;
  #timeline: Timeline;
  readonly #decoders: Readonly<Record<TextStream, TextDecoder>>;
  readonly #closed = Promise.withResolvers<void>();
  #file: CastFile;
  #part = 1;
  /** Of the last event that was written: its time, and the size of the terminal. */
  #writtenUs = 0;
  #size: CastSize;
  /** `cut`: the recording ends before its session, and what was taken until then is still written; `failed`: nothing can be. */
  #state: 'open' | 'ended' | 'cut' | 'failed' = 'open';
  #failure: RstreamError | undefined;
  #writing = false;
  /** The file is closed. */
  #finished = false;
  #timer: NodeJS.Timeout | undefined;

  /** Made by {@link startRecording}. */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#file = parts.first;
    this.#timeline = new Timeline(parts.settings.rules);
    this.#size = sizeOf(parts.facts.terminal?.size);
    this.#decoders = { stdout: decoder(), stderr: decoder(), stdin: decoder() };
    this.closed = this.#closed.promise;
  }

  get isBehind(): boolean {
    return this.#state === 'open' && this.#timeline.size > limits.webtty.recordingQueue.default / 4;
  }

  output(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    this.#text(stream, chunk);
  }

  input(chunk: Uint8Array): void {
    if (this.#parts.settings.input) this.#text('stdin', chunk);
  }

  resize(size: TerminalSize): void {
    const { cols, rows } = sizeOf(size);
    this.#event({ at: this.#now(), code: 'r', data: `${cols}x${rows}` });
  }

  end({ code, signal }: ProcessExit): void {
    if (this.#state !== 'open') return;
    for (const stream of ['stdout', 'stderr', 'stdin'] as const) this.#add(stream, this.#decoders[stream].decode());
    const status = code ?? (signal === null ? undefined : 128 + constants.signals[signal]);
    this.#event({ at: this.#now(), code: 'x', data: String(status ?? 255) });
    if (this.#isOpen()) this.#state = 'ended';
    this.#flush();
  }

  #text(stream: TextStream, chunk: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#add(stream, this.#decoders[stream].decode(chunk, { stream: true }));
    this.#schedule();
  }

  #add(stream: TextStream, text: string): void {
    if (text !== '') this.#timeline.addText(stream, this.#now(), text);
  }

  #event(event: CastEvent): void {
    if (this.#state !== 'open') return;
    this.#timeline.add(event);
    this.#schedule();
  }

  #now(): number {
    const { settings, startedAt } = this.#parts;
    return Math.round((settings.now() - startedAt) * 1_000);
  }

  #schedule(): void {
    const { recordingBatch, recordingDelay, recordingQueue } = limits.webtty;
    if (this.#timeline.size > recordingQueue.default) this.#fail('cut', failed('The disk did not keep up with the session.'));
    else if (this.#timeline.incoming >= recordingBatch.default) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), recordingDelay.default);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing) return;
    this.#writing = true;
    void this.#write().finally(() => {
      this.#writing = false;
      if (!this.isBehind) this.onCaughtUp?.();
      if (this.#finished) this.#closed.resolve();
      // Something came between the last batch and now.
      else if (this.#state !== 'open' || !this.#timeline.idle) this.#flush();
    });
  }

  /** Adding an event may have ended the recording. */
  #isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Writes what may be written by now, and closes the file when the session or the recording is over. */
  async #write(): Promise<void> {
    try {
      while (this.#state !== 'failed') {
        const last = this.#state === 'ended';
        await this.#append(this.#drain(last));
        if (!this.isBehind) this.onCaughtUp?.();
        if (!this.#timeline.idle) continue;
        if (last) return await this.#close();
        // The end may have come while this batch was written: then there is one more.
        if (this.#state !== 'ended') break;
      }
    } catch (cause) {
      this.#fail('failed', RstreamError.is(cause) ? cause : failed(`It cannot be written (${reasonOf(cause)}).`, cause));
    }
    if (this.#failure !== undefined) await this.#giveUp(this.#failure);
  }

  #drain(last: boolean): CastEvent[] {
    const events = this.#timeline.drain(last);
    let size = lengthOf(events);
    while (!this.#timeline.idle && size < limits.webtty.recordingWrite.default) {
      const more = this.#timeline.drain(last);
      events.push(...more);
      size += lengthOf(more);
    }
    return events;
  }

  async #append(events: readonly CastEvent[]): Promise<void> {
    const { facts, settings } = this.#parts;
    let lines: string[] = [];
    let us = 0;
    let bytes = 0;
    for (const event of events) {
      // Text that redaction held back may be older than what is written by now.
      const interval = Math.max(0, event.at - this.#writtenUs);
      const encoded = encodeEvent(facts.terminal === undefined ? withReturns(event) : event, interval);
      const size = encoded.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
      if (this.#file.bytes + bytes + size > settings.maxFileBytes && this.#file.lines + lines.length > 1) {
        await this.#file.append(lines, us);
        await this.#rotate();
        [lines, us, bytes] = [[], 0, 0];
      }
      lines.push(...encoded);
      us += interval;
      bytes += size;
      this.#writtenUs += interval;
      if (event.code === 'r') this.#size = parseSize(event.data);
    }
    if (lines.length > 0) await this.#file.append(lines, us);
  }

  async #rotate(): Promise<void> {
    const { events } = this.#parts;
    const previous = this.#file;
    const next = await openPart(this.#parts, { part: this.#part + 1, us: this.#writtenUs, size: this.#size, previous });
    this.#part += 1;
    this.#file = next;
    try {
      await previous.finish(next.name);
    } finally {
      events.onClose(previous.name);
    }
  }

  async #close(): Promise<void> {
    const { events } = this.#parts;
    try {
      await this.#file.finish();
    } catch (cause) {
      this.#failure ??= failed(`It cannot be written (${reasonOf(cause)}).`, cause);
      events.onFailure(this.#failure);
    }
    this.#finished = true;
    events.onClose(this.#file.name);
  }

  #fail(state: 'cut' | 'failed', error: RstreamError): void {
    if (this.#state === 'cut' || this.#state === 'failed') this.#state = 'failed';
    else this.#state = state;
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#parts.events.onFailure(error);
    this.#flush();
  }

  /** Says in the file that it is not all, if the disk still takes that. What redaction held back is dropped: it may be half a secret. */
  async #giveUp(failure: RstreamError): Promise<void> {
    this.#state = 'failed';
    this.#timeline = new Timeline([]);
    const at = Math.max(this.#now(), this.#writtenUs);
    const marker = encodeEvent({ at, code: 'm', data: `${truncatedMarker}: ${failure.message}` }, at - this.#writtenUs);
    await this.#file.append(marker, at - this.#writtenUs).catch(() => undefined);
    await this.#file.finish().catch(() => undefined);
    this.#finished = true;
    this.#parts.events.onClose(this.#file.name);
  }
}

const lengthOf = (events: readonly CastEvent[]): number => events.reduce((sum, { data }) => sum + data.length, 0);

/** Begin of the marker that ends a recording which lacks the rest of its session. */
export const truncatedMarker = 'recording truncated';

const decoder = (): TextDecoder => new TextDecoder('utf-8', { ignoreBOM: true });
const failed = (message: string, cause?: unknown): RstreamError => new RstreamError('ERR_RSTREAM_RECORDING_FAILED', message, { cause });
const reasonOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? 'unknown reason';

/** A pipe has no line discipline: a player would draw stairs. */
const withReturns = (event: CastEvent): CastEvent => (event.code === 'o' ? { ...event, data: event.data.replaceAll('\n', '\r\n') } : event);

/** A terminal without a size is one of the usual size. */
const sizeOf = (size: TerminalSize | undefined): CastSize => ({ cols: size?.col || pipeSize.cols, rows: size?.row || pipeSize.rows });

function parseSize(data: string): CastSize {
  const [cols = pipeSize.cols, rows = pipeSize.rows] = data.split('x').map(Number);
  return { cols, rows };
}
