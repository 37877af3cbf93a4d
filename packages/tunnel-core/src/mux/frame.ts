/**
 * The frame of yamux version 0, as its public specification fixes it: a 12-byte big-endian header
 * (version, type, flags, stream id, length), followed by `length` bytes only in data frames.
 */
export const headerBytes = 12;

/** Receive window that both ends assume for a new stream; more is announced by a window update. */
export const wireWindow = 262_144;

export const frameType = {
  data: 0,
  /** `length` is the number of bytes that the receiver may send on top of what it was granted. */
  window: 1,
  /** On stream 0; SYN asks, ACK answers with the same opaque `length`. */
  ping: 2,
  /** On stream 0; `length` is a go-away code. */
  goAway: 3,
} as const;

export const frameFlag = { none: 0, syn: 1, ack: 2, fin: 4, rst: 8 } as const;

export const goAwayCode = { normal: 0, protocolError: 1, internalError: 2 } as const;

/** Largest value of the 32-bit `id` and `length` fields. */
export const maxUint32 = 0xffff_ffff;

export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly length: number;
}

/** Writes one header at `offset` and returns the offset behind it. */
export function encodeHeader(target: Buffer, offset: number, header: FrameHeader): number {
  return writeHeader(target, offset, (header.type << 16) | header.flags, header.id, header.length);
}

/**
 * The same without an object, for the hot path: `kind` is `type << 16 | flags`, which with version 0 is the first word.
 * Byte stores are what the JIT turns into the fastest code here.
 */
// oxlint-disable-next-line max-params -- one call per frame: an options object would be an allocation per frame
export function writeHeader(target: Buffer, offset: number, kind: number, id: number, length: number): number {
  target[offset] = 0;
  target[offset + 1] = kind >>> 16;
  target[offset + 2] = kind >>> 8;
  target[offset + 3] = kind;
  target[offset + 4] = id >>> 24;
  target[offset + 5] = id >>> 16;
  target[offset + 6] = id >>> 8;
  target[offset + 7] = id;
  target[offset + 8] = length >>> 24;
  target[offset + 9] = length >>> 16;
  target[offset + 10] = length >>> 8;
  target[offset + 11] = length;
  return offset + headerBytes;
}

/** First word of a frame of this type and these flags. */
export function frameKind(type: number, flags: number): number {
  return (type << 16) | flags;
}
