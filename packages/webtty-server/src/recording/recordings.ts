import { limits, RstreamError, toRstreamError } from '@rstream/protocol';
import type { ObserveSession, SessionFacts, SessionObserver } from '../session/observer.ts';
import { openExclusive, type OpenFile } from './cast-file.ts';
import { prepareDirectory } from './directory.ts';
import { compileRules } from './redaction.ts';
import { removeOld } from './retention.ts';
import { startRecording, type RecordingSettings, type SessionRecording } from './session-recording.ts';

/** Which sessions are recorded. `required`: all, and none runs without; `asked`: those whose client asks. */
export type RecordingMode = 'never' | 'asked' | 'always' | 'required';

/** A recording that is not, or not all, there. */
export interface RecordingFailure {
  readonly sessionId: string;
  readonly error: RstreamError;
  /** The device requires recordings: the session is ended. */
  readonly mustEnd: boolean;
}

export interface RecordSessionsOptions {
  readonly mode: RecordingMode;
  /** Made for its owner alone; refused when others can look into it. One agent per folder. */
  readonly directory: string;
  /** Record what is typed, passwords too. Default false. */
  readonly input?: boolean | undefined;
  /** Default `limits.webtty.recordingFile`. */
  readonly maxFileBytes?: number | undefined;
  /** Default `limits.webtty.recordingAge`. */
  readonly maxAgeMs?: number | undefined;
  /** Default `limits.webtty.recordingTotal`. */
  readonly maxTotalBytes?: number | undefined;
  /** Regular expressions whose matches are replaced before anything is stored. */
  readonly redact?: readonly string[] | undefined;
  readonly onFailure?: ((failure: RecordingFailure) => void) | undefined;
  /** Names of recordings that were removed because of their age or number. */
  readonly onRemoved?: ((names: readonly string[]) => void) | undefined;
  /** Opens files; for tests. */
  readonly openFile?: OpenFile | undefined;
  /** Milliseconds of a clock that never goes back; for tests. */
  readonly now?: (() => number) | undefined;
}

/** Recordings of the sessions of a device. */
export interface SessionRecordings {
  /** For the server that runs the sessions. */
  readonly observe: ObserveSession;
  /** Call after the sessions have ended: resolves when their recordings are on disk. */
  close(): Promise<void>;
}

/**
 * Prepares the folder and the rules, and records sessions from then on.
 *
 * @throws RstreamError `ERR_RSTREAM_RECORDING_DIRECTORY`, `ERR_RSTREAM_REDACTION_RULE`.
 */
export async function recordSessions(options: RecordSessionsOptions): Promise<SessionRecordings> {
  const settings: RecordingSettings = {
    directory: options.directory,
    input: options.input ?? false,
    maxFileBytes: options.maxFileBytes ?? limits.webtty.recordingFile.default,
    rules: compileRules(options.redact ?? []),
    openFile: options.openFile ?? openExclusive,
    now: options.now ?? (() => performance.now()),
  };
  if (options.mode !== 'never') await prepareDirectory(options.directory);
  return new Recordings(options, settings);
}

class Recordings implements SessionRecordings {
  readonly observe: ObserveSession = (facts) => this.#observe(facts);
  readonly #options: RecordSessionsOptions;
  readonly #settings: RecordingSettings;
  readonly #open = new Set<SessionRecording>();
  readonly #active = new Set<string>();
  readonly #timer: NodeJS.Timeout | undefined;
  #sweep: Promise<void> | undefined;
  #sweepAgain = false;

  constructor(options: RecordSessionsOptions, settings: RecordingSettings) {
    this.#options = options;
    this.#settings = settings;
    if (options.mode === 'never') return;
    this.#removeOld();
    this.#timer = setInterval(() => this.#removeOld(), limits.webtty.recordingSweep.default);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(Array.from(this.#open, ({ closed }) => closed));
    await this.#sweep;
  }

  async #observe(facts: SessionFacts): Promise<SessionObserver | undefined> {
    const { mode } = this.#options;
    if (mode === 'never' || (mode === 'asked' && !facts.recordingAsked)) return undefined;
    try {
      return await this.#start(facts);
    } catch (cause) {
      const error = toRstreamError(cause, 'ERR_RSTREAM_RECORDING_FAILED');
      this.#failed(facts, error);
      if (mode === 'required') throw new RstreamError('ERR_RSTREAM_RECORDING_REQUIRED', undefined, { cause: error });
      return undefined;
    }
  }

  async #start(facts: SessionFacts): Promise<SessionRecording> {
    const recording = await startRecording(facts, this.#settings, {
      onOpen: (name) => this.#active.add(name),
      onClose: (name) => {
        this.#active.delete(name);
        this.#removeOld();
      },
      onFailure: (error) => this.#failed(facts, error),
    });
    this.#open.add(recording);
    void recording.closed.then(() => this.#open.delete(recording));
    return recording;
  }

  #failed(facts: SessionFacts, error: RstreamError): void {
    const mustEnd = this.#options.mode === 'required';
    this.#options.onFailure?.({ sessionId: facts.id, error, mustEnd });
    if (mustEnd) facts.end?.();
  }

  /** One look at a time, and one more when something changed meanwhile. */
  #removeOld(): void {
    if (this.#sweep !== undefined) {
      this.#sweepAgain = true;
      return;
    }
    this.#sweep = this.#removeOnce().finally(() => {
      this.#sweep = undefined;
      if (this.#sweepAgain) this.#removeOld();
      this.#sweepAgain = false;
    });
  }

  async #removeOnce(): Promise<void> {
    const { directory, maxAgeMs, maxTotalBytes, onRemoved } = this.#options;
    try {
      const removed = await removeOld({
        directory,
        maxAgeMs: maxAgeMs ?? limits.webtty.recordingAge.default,
        maxTotalBytes: maxTotalBytes ?? limits.webtty.recordingTotal.default,
        active: this.#active,
        now: Date.now(),
      });
      if (removed.length > 0) onRemoved?.(removed);
    } catch {
      // The folder may be gone or full of trouble: the next session that wants a file says so.
    }
  }
}
