/** A second yamux codec, deliberately simple: whole frames in one buffer, one field after the other. */
export interface NaiveFrame {
  version: number;
  type: number;
  flags: number;
  id: number;
  length: number;
  /** Hexadecimal; empty except in data frames. */
  body: string;
}

export function naiveEncode(frame: NaiveFrame): Buffer {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const header = hex(frame.version, 2) + hex(frame.type, 2) + hex(frame.flags, 4) + hex(frame.id, 8) + hex(frame.length, 8);
  return Buffer.from(header + frame.body, 'hex');
}

export function naiveDecode(bytes: Buffer): NaiveFrame[] {
  const frames: NaiveFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const field = (from: number, to: number): number => Number.parseInt(bytes.toString('hex', at + from, at + to), 16);
    const frame = { version: field(0, 1), type: field(1, 2), flags: field(2, 4), id: field(4, 8), length: field(8, 12), body: '' };
    const bodyBytes = frame.type === 0 ? frame.length : 0;
    frame.body = bytes.toString('hex', at + 12, at + 12 + bodyBytes);
    at += 12 + bodyBytes;
    frames.push(frame);
  }
  return frames;
}
