import { RstreamError, toRstreamError, type ErrorReport } from '@rstream/protocol';
import type { ProgressBar } from './progress.ts';

/** What a transfer did, as `-o json` prints it. */
export interface TransferResult {
  readonly files: number;
  /** Bytes of these files, among them those that an earlier run had transferred. */
  readonly bytes: number;
  /** Of them, what an earlier run had transferred. */
  readonly resumed_bytes: number;
  readonly directories: number;
  /** Files that were there already, links, and what is neither file nor folder. */
  readonly skipped: number;
  readonly seconds: number;
  readonly failed: readonly (ErrorReport & { readonly path: string })[];
}

const MOST_FAILURES = 1_000;
/** Errors that every further file would meet too. */
const fatal = new Set([
  'ERR_RSTREAM_ABORTED',
  'ERR_RSTREAM_FILE_STALLED',
  'ERR_RSTREAM_FILE_DISK_FULL',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'TUNNEL_NOT_FOUND',
]);

/** Counts what a transfer of many files does, and goes on when one of them fails. */
export class Tally {
  readonly #started = performance.now();
  readonly #failed: (ErrorReport & { readonly path: string })[] = [];
  readonly #progress: ProgressBar;
  files = 0;
  bytes = 0;
  resumed = 0;
  directories = 0;
  skipped = 0;
  #failures = 0;

  constructor(progress: ProgressBar) {
    this.#progress = progress;
  }

  /** How a file reports how far it is. */
  watch(path: string): (done: number, total: number) => void {
    return (done, total) => this.#progress.update(path, done, total);
  }

  /** Transfers one file and counts it. @throws only what ends everything */
  async file(path: string, work: () => Promise<{ bytes: number; resumed: number }>): Promise<void> {
    try {
      const { bytes, resumed } = await work();
      this.files += 1;
      this.bytes += bytes;
      this.resumed += resumed;
    } catch (error) {
      this.fail(path, error);
    } finally {
      this.#progress.finish(path);
    }
  }

  fail(path: string, error: unknown): void {
    const report = toRstreamError(error);
    if (fatal.has(report.code)) throw report;
    this.#failures += 1;
    if (this.#failed.length < MOST_FAILURES) this.#failed.push({ ...report.toJSON(), path });
  }

  result(): TransferResult {
    this.#progress.end();
    return {
      files: this.files,
      bytes: this.bytes,
      resumed_bytes: this.resumed,
      directories: this.directories,
      skipped: this.skipped,
      seconds: Math.round(performance.now() - this.#started) / 1000,
      failed: this.#failed,
    };
  }

  /** @throws RstreamError that of the only file, or `ERR_RSTREAM_FILE_INCOMPLETE`, when something failed */
  assertComplete(): void {
    const [first] = this.#failed;
    if (first === undefined) return;
    const { path, code, message, next, details } = first;
    if (this.#failures === 1 && this.files === 0)
      throw new RstreamError(code, message, { next, ...(details === undefined ? {} : { details }) });
    throw new RstreamError(
      'ERR_RSTREAM_FILE_INCOMPLETE',
      `${this.#failures} could not be transferred; the first, ${path}: ${code}: ${message}`,
    );
  }
}
