import { printable } from '../output.ts';

/** Shows how far a transfer is. */
export interface ProgressBar {
  /** Bytes of one file that are done; called for any number of files at once. */
  update(file: string, done: number, total: number): void;
  /** A file is over. */
  finish(file: string): void;
  /** Removes the line. */
  end(): void;
}

const silent: ProgressBar = { update() {}, finish() {}, end() {} };
const BETWEEN_MS = 100;
const BAR = 20;

/** A line on stderr that is written over, for a person; nothing in a pipe. */
export function createProgress({ isWanted, stream = process.stderr }: { isWanted: boolean; stream?: NodeJS.WriteStream }): ProgressBar {
  if (!isWanted || !stream.isTTY) return silent;
  const started = performance.now();
  const open = new Map<string, { done: number; total: number }>();
  let finishedFiles = 0;
  let finishedBytes = 0;
  let drawn = 0;
  const draw = (): void => {
    const now = performance.now();
    if (now - drawn < BETWEEN_MS) return;
    drawn = now;
    const [file = '', current] = [...open].at(0) ?? [];
    const bytes = [...open.values()].reduce((sum, { done }) => sum + done, finishedBytes);
    const rate = bytes / Math.max(0.001, (now - started) / 1000);
    const line = current === undefined ? '' : `${bar(current.done, current.total)} ${remaining(current, rate)}`;
    const files = finishedFiles > 0 ? `${finishedFiles} done  ` : '';
    const text = `${files}${line}  ${formatBytes(bytes)}  ${formatBytes(rate)}/s  ${printable(file)}`;
    stream.write(`\r${text.slice(0, Math.max(20, stream.columns - 1))}\u001B[K`);
  };
  return {
    update(file, done, total) {
      open.set(file, { done, total });
      draw();
    },
    finish(file) {
      finishedBytes += open.get(file)?.done ?? 0;
      finishedFiles += 1;
      open.delete(file);
      draw();
    },
    end() {
      stream.write('\r\u001B[K');
    },
  };
}

function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(share * BAR);
  return `[${'='.repeat(filled)}${' '.repeat(BAR - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}

function remaining({ done, total }: { done: number; total: number }, rate: number): string {
  const seconds = Math.round((total - done) / Math.max(1, rate));
  return seconds > 86_400 ? '' : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size for people: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}
