import { joinBytes, type KeptOutput } from './kept-output.ts';

/** Kept output as a result carries it. */
export interface OutputText {
  readonly stdout: string;
  readonly stderr: string;
  readonly encoding: 'utf8' | 'base64';
  /** Bytes of each stream that the text stands for. */
  readonly stdoutKept: number;
  readonly stderrKept: number;
}

/**
 * Both streams as text, within `limit` bytes together: each may use half, and what one leaves the other takes. When either is
 * not UTF-8, both are base64 of head and tail joined.
 */
export function outputText(stdout: KeptOutput, stderr: KeptOutput, limit: number): OutputText {
  const half = Math.floor(limit / 2);
  const stderrShare = Math.max(half, limit - stdout.keptBytes);
  const stdoutShare = limit - Math.min(stderr.keptBytes, stderrShare);
  const out = stdout.parts(stdoutShare);
  const err = stderr.parts(stderrShare);
  const kept = { stdoutKept: keptBytes(out), stderrKept: keptBytes(err) };
  const texts = [textOf(out), textOf(err)] as const;
  if (texts[0] !== undefined && texts[1] !== undefined) return { stdout: texts[0], stderr: texts[1], encoding: 'utf8', ...kept };
  return {
    stdout: base64(joinBytes(out.head, out.tail)),
    stderr: base64(joinBytes(err.head, err.tail)),
    encoding: 'base64',
    ...kept,
  };
}

type Parts = ReturnType<KeptOutput['parts']>;

const keptBytes = ({ head, tail }: Parts): number => head.byteLength + tail.byteLength;

function textOf({ head, tail, omittedBytes }: Parts): string | undefined {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    if (omittedBytes === 0) return decoder.decode(joinBytes(head, tail));
    const wholeHead = head.subarray(0, wholeEnd(head));
    const wholeTail = tail.subarray(wholeStart(tail));
    const omitted = omittedBytes + head.byteLength - wholeHead.byteLength + tail.byteLength - wholeTail.byteLength;
    return `${decoder.decode(wholeHead)}\n[... ${omitted} bytes omitted ...]\n${decoder.decode(wholeTail)}`;
  } catch {
    return undefined;
  }
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Where to cut so that the bytes do not end inside a UTF-8 sequence (at most 4 bytes long). */
function wholeEnd(bytes: Uint8Array): number {
  let start = bytes.byteLength - 1;
  while (start >= 0 && bytes.byteLength - start < 4 && isContinuation(bytes[start])) start -= 1;
  const lead = bytes[start] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return start >= 0 && start + length > bytes.byteLength ? start : bytes.byteLength;
}

/** Where the first whole UTF-8 sequence starts. */
function wholeStart(bytes: Uint8Array): number {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return start;
}

/** `String.fromCharCode` takes its characters as arguments, so a large array goes in slices. */
const SLICE_BYTES = 0x6000;

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(at, at + SLICE_BYTES));
  }
  return btoa(binary);
}
