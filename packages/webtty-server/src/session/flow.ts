import { limits } from '@rstream/protocol';
import type { OutputLog } from './output-log.ts';
import type { OutputSource, StreamIndex } from './output-source.ts';
import type { Job } from './job.ts';
import type { SessionObserver } from './observer.ts';
import type { Screen } from './screen.ts';
import type { Viewer } from './viewer.ts';

/** Output beyond what is kept before it is let go: letting go of every chunk by itself costs more than it frees. */
const SLACK_BYTES = 65_536;

export interface FlowParts {
  readonly source: OutputSource;
  readonly logs: readonly [OutputLog, OutputLog];
  readonly screen: Screen | undefined;
  readonly observer: SessionObserver | undefined;
  /** Of a job: where its output goes, at the pace of the disk. */
  readonly job: Job | undefined;
}

/** Whose pace the program keeps, and from where its output is needed. */
export type Pace =
  /** A viewer that must get everything. */
  | { readonly kind: 'viewer'; readonly viewer: Viewer }
  /** Nobody now; whoever comes back has everything up to here. The program runs until the buffer is full, and then waits. */
  | { readonly kind: 'held'; readonly from: readonly [number, number] }
  /** Nobody: output goes by. */
  | { readonly kind: 'free' };

/**
 * Moves output into the logs at the pace of who must get it, and lets go of what nobody needs. With a viewer nothing is read that
 * it cannot take now, so that Ctrl-C finds little under way.
 */
export class Flow {
  pace: Pace = { kind: 'free' };
  readonly #parts: FlowParts;

  constructor(parts: FlowParts) {
    this.#parts = parts;
  }

  /** Pauses or resumes each stream, and trims its log. Call when output came, or when somebody took some. */
  balance(): void {
    const { source, screen, observer } = this.#parts;
    const isBehind = screen?.isBehind === true || observer?.isBehind === true;
    for (const stream of source.streams) {
      this.#trim(stream);
      if (isBehind || this.#isFull(stream)) source.pause(stream);
      else source.resume(stream);
    }
  }

  #isFull(stream: StreamIndex): boolean {
    const { pace } = this;
    const { job, logs } = this.#parts;
    if (job !== undefined) return job.isFull(stream);
    if (pace.kind === 'viewer') return pace.viewer.isBehind(stream);
    return pace.kind === 'held' && logs[stream].end - pace.from[stream] >= limits.webtty.resumeBuffer.default;
  }

  #trim(stream: StreamIndex): void {
    const { logs, screen } = this.#parts;
    const log = logs[stream];
    const needed = this.#neededFrom(stream);
    const recent = screen === undefined ? log.end : log.end - limits.webtty.terminalHistory.default;
    const keep = Math.min(needed, recent);
    if (keep - log.start < SLACK_BYTES) return;
    screen?.take(keep);
    log.trim(keep);
  }

  #neededFrom(stream: StreamIndex): number {
    if (this.pace.kind === 'viewer') return this.pace.viewer.acknowledged(stream);
    return this.pace.kind === 'held' ? this.pace.from[stream] : Infinity;
  }
}
