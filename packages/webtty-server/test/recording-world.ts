import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordSessions, type RecordSessionsOptions, type SessionObserver, type SessionRecordings } from '@rstream/webtty-server';
import type { SessionFacts } from '../src/session/observer.ts';

/** A folder of its own, not there yet. */
export const newDirectory = (): string => join(mkdtempSync(join(tmpdir(), 'rstream-recording-')), 'recordings');

let sessions = 0;

export function factsOf(parts: Partial<SessionFacts> = {}): SessionFacts {
  sessions += 1;
  return {
    id: `session${sessions}`,
    argv: ['sh', '-l'],
    cwd: '/srv',
    startedAt: new Date('2026-01-02T03:04:05.678Z'),
    caller: { userId: 'ada@example.com', credentialId: 'credential-1' },
    label: '',
    terminal: { size: { row: 24, col: 80, xpixel: 0, ypixel: 0 }, term: 'xterm-256color' },
    recordingAsked: false,
    ...parts,
  };
}

/** A session that is recorded, under a clock that the test moves. */
export interface Recorded {
  readonly directory: string;
  readonly observer: SessionObserver;
  readonly recordings: SessionRecordings;
  readonly clock: { ms: number };
  /** Ends the session, waits for the disk, and returns the paths of its files. */
  end(code?: number): Promise<string[]>;
}

export async function record(options: Partial<RecordSessionsOptions> = {}, facts: SessionFacts = factsOf()): Promise<Recorded> {
  const directory = options.directory ?? newDirectory();
  const clock = { ms: 1_000 };
  const recordings = await recordSessions({ mode: 'always', directory, now: () => clock.ms, ...options });
  const observer = await recordings.observe(facts);
  if (observer === undefined) throw new Error('the session is not recorded');
  const end = async (code = 0): Promise<string[]> => {
    observer.end({ code, signal: null });
    await recordings.close();
    return castsIn(directory).filter((path) => path.includes(facts.id));
  };
  return { directory, observer, recordings, clock, end };
}

export const castsIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.cast'))
    // The second file of a session comes after the first.
    .sort((a, b) => (a.length - b.length === 0 ? (a < b ? -1 : 1) : a.length - b.length))
    .map((name) => join(directory, name));

export interface PlainCast {
  readonly header: Readonly<Record<string, unknown>>;
  readonly events: readonly (readonly [number, string, string])[];
  readonly comments: readonly string[];
}

/** A second reader of asciicast v3, after the published description and without our code. */
export function readCast(path: string): PlainCast {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the last line has no end');
  const [header = '', ...rest] = lines;
  const comments = rest.filter((line) => line.startsWith('#'));
  const events = rest.filter((line) => !line.startsWith('#')).map((line) => JSON.parse(line) as [number, string, string]);
  return { header: JSON.parse(header) as Record<string, unknown>, events, comments };
}

/** All text of one code. */
export const textOf = ({ events }: PlainCast, code = 'o'): string =>
  events
    .filter((event) => event[1] === code)
    .map((event) => event[2])
    .join('');
