import type { SessionFacts } from '../session/observer.ts';

/** Codes of asciicast v3: output, input, resize, marker, exit. */
export type CastCode = 'o' | 'i' | 'r' | 'm' | 'x';

/** What happened, at a time in µs since the recording began. */
export interface CastEvent {
  readonly at: number;
  readonly code: CastCode;
  readonly data: string;
  /** The output came from the error stream of a program with pipes. */
  readonly stderr?: boolean | undefined;
}

/** What players ignore: our key in the header. */
export interface RecordingFacts {
  readonly session_id: string;
  /** 1, or the number of the file in which a long session goes on. */
  readonly part: number;
  /** Begin of this file, to the millisecond: `timestamp` has seconds only. */
  readonly started_at: string;
  /** False: the program had pipes, and each LF is written as CRLF, as a terminal would show it. */
  readonly terminal: boolean;
  readonly input: boolean;
  readonly cwd: string;
  readonly user_id?: string | undefined;
  readonly credential_id?: string | undefined;
  readonly source_ip?: string | undefined;
  readonly stream_id?: string | undefined;
  /** The file before this one, and the hash with which its chain ended. */
  readonly previous?: { readonly file: string; readonly hash: string } | undefined;
}

/** First line of a recording. */
export interface CastHeader {
  readonly version: 3;
  readonly term: { readonly cols: number; readonly rows: number; readonly type?: string | undefined };
  readonly timestamp?: number | undefined;
  readonly command?: string | undefined;
  readonly title?: string | undefined;
  /** Absent in files that others made. */
  readonly rstream?: RecordingFacts | undefined;
}

/** Says of the next event that it is from the error stream. Players skip comments. */
const stderrComment = '# stderr\n';

export function encodeHeader(header: CastHeader): string {
  return `${JSON.stringify(header)}\n`;
}

/** The lines of an event that comes `interval` µs after the one before it. */
export function encodeEvent({ code, data, stderr }: CastEvent, interval: number): string[] {
  const line = `[${seconds(interval)},"${code}",${JSON.stringify(data)}]\n`;
  return stderr === true ? [stderrComment, line] : [line];
}

/** µs as decimal seconds, without a rounding error and never as `1e-7`. */
export function seconds(us: number): string {
  return `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
}

/** What a line after the header holds; undefined for blank lines and comments of no meaning. Throws a SyntaxError for anything else. */
export function parseLine(line: string): { interval: number; code: string; data: string } | 'stderr' | undefined {
  if (line === stderrComment.trimEnd()) return 'stderr';
  if (line.trim() === '' || line.startsWith('#')) return undefined;
  const event: unknown = JSON.parse(line);
  if (!Array.isArray(event)) throw new SyntaxError('not an event');
  const [interval, code, data] = event as unknown[];
  if (typeof interval !== 'number' || !(interval >= 0) || typeof code !== 'string' || typeof data !== 'string')
    throw new SyntaxError('not an event');
  return { interval: Math.round(interval * 1e6), code, data };
}

/** A header, with the facts of ours only when they are complete; undefined when the line is none. */
export function parseHeader(line: string): CastHeader | undefined {
  const header = asRecord(parseJson(line));
  const term = asRecord(header?.['term']);
  if (header?.['version'] !== 3 || !isSide(term?.['cols']) || !isSide(term['rows'])) return undefined;
  const facts = asRecord(header['rstream']);
  return {
    version: 3,
    term: { cols: term['cols'], rows: term['rows'], type: asText(term['type']) },
    timestamp: typeof header['timestamp'] === 'number' ? header['timestamp'] : undefined,
    command: asText(header['command']),
    title: asText(header['title']),
    rstream: facts === undefined ? undefined : parseFacts(facts),
  };
}

function parseFacts(facts: Readonly<Record<string, unknown>>): RecordingFacts | undefined {
  const { session_id, part, started_at, terminal, input, cwd } = facts;
  if (typeof session_id !== 'string' || typeof part !== 'number' || typeof started_at !== 'string' || typeof cwd !== 'string')
    return undefined;
  const previous = asRecord(facts['previous']);
  const file = asText(previous?.['file']);
  const hash = asText(previous?.['hash']);
  return {
    session_id,
    part,
    started_at,
    terminal: terminal === true,
    input: input === true,
    cwd,
    user_id: asText(facts['user_id']),
    credential_id: asText(facts['credential_id']),
    source_ip: asText(facts['source_ip']),
    stream_id: asText(facts['stream_id']),
    previous: file === undefined || hash === undefined ? undefined : { file, hash },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const isSide = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/** Who and what of a session, for the header. */
export function factsOf({ id, cwd, caller, terminal }: SessionFacts): Omit<RecordingFacts, 'part' | 'started_at' | 'input'> {
  return {
    session_id: id,
    terminal: terminal !== undefined,
    cwd,
    user_id: caller.userId,
    credential_id: caller.credentialId,
    source_ip: caller.sourceIp,
    stream_id: caller.streamId,
  };
}
