import { Buffer } from 'node:buffer';

/** Output as JSON carries it. */
export interface OutputPieces {
  readonly stdout: string;
  readonly stderr: string;
  readonly encoding: 'utf8' | 'base64';
  /** Bytes that the text stands for. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/**
 * Pieces of both streams as text; base64 when either is not UTF-8. A character that a piece cuts off is left for the next one,
 * unless there is none.
 */
export function textOfPieces(stdout: Uint8Array, stderr: Uint8Array, isLast: boolean): OutputPieces {
  const whole = [stdout, stderr].map((bytes) => (isLast ? bytes : bytes.subarray(0, wholeEnd(bytes)))) as [Uint8Array, Uint8Array];
  try {
    const [out, err] = whole.map((bytes) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as [string, string];
    return { stdout: out, stderr: err, encoding: 'utf8', stdoutBytes: whole[0].byteLength, stderrBytes: whole[1].byteLength };
  } catch {
    const [out, err] = [stdout, stderr].map((bytes) => Buffer.from(bytes).toString('base64')) as [string, string];
    return { stdout: out, stderr: err, encoding: 'base64', stdoutBytes: stdout.byteLength, stderrBytes: stderr.byteLength };
  }
}

/** Where the last whole UTF-8 character ends. A sequence is at most 4 bytes long. */
function wholeEnd(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back += 1) {
    const byte = bytes[bytes.byteLength - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.byteLength - back : bytes.byteLength;
  }
  return bytes.byteLength;
}
