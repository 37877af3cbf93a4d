import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { RstreamError } from '../errors/index.ts';
import { webttyLimits } from '../limits/webtty.ts';
import { messageKinds, type DataType, type Message } from './messages.ts';
import type { Codec } from './schema.ts';

type KnownKind = keyof typeof messageKinds;
interface Kind {
  readonly kind: KnownKind;
  readonly no: number;
  readonly codec: Codec<object>;
}

const kinds: readonly Kind[] = Object.entries(messageKinds).map(([kind, field]) => ({
  kind: kind as KnownKind,
  no: field.no,
  codec: field.codec as Codec<object>,
}));
const byNumber = new Map(kinds.map((entry) => [entry.no, entry]));
const byKind = new Map(kinds.map((entry) => [entry.kind, entry]));

/** Bytes of one message, without a frame. Throws `ERR_RSTREAM_WEBTTY_PROTOCOL` when it is larger than `webttyLimits.messageBytes`. */
export function encodeMessage(message: Exclude<Message, { kind: 'unknown' }>): Uint8Array {
  const { kind, ...body } = message;
  const entry = byKind.get(kind);
  if (entry === undefined) throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', `There is no WebTTY message "${kind}".`);
  const writer = new BinaryWriter();
  writer.tag(entry.no, WireType.LengthDelimited);
  entry.codec.write(writer, body);
  const encoded = writer.finish();
  assertMessageSize(encoded.byteLength);
  return encoded;
}

/** Reads one message. Byte fields are views of `encoded`. Throws `ERR_RSTREAM_WEBTTY_PROTOCOL` for anything that is not protobuf. */
export function decodeMessage(encoded: Uint8Array): Message {
  assertMessageSize(encoded.byteLength);
  try {
    return readMessage(new BinaryReader(encoded));
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', 'The peer sent bytes that are not a WebTTY message.', { cause });
  }
}

function readMessage(reader: BinaryReader): Message {
  let message: Message = { kind: 'unknown' };
  while (reader.pos < reader.len) {
    const [no, wire] = reader.tag();
    const entry = byNumber.get(no);
    if (entry === undefined || wire !== entry.codec.wire) reader.skip(wire, no);
    else message = { kind: entry.kind, ...entry.codec.read(reader) } as Message;
  }
  return message;
}

export function assertMessageSize(byteLength: number): void {
  const limit = webttyLimits.messageBytes.default;
  if (byteLength <= limit) return;
  throw new RstreamError('ERR_RSTREAM_WEBTTY_PROTOCOL', `A WebTTY message of ${byteLength} bytes is over the limit of ${limit}.`);
}

/** The framed bytes before the payload of a data message, so that a sender writes head and payload without joining them. */
export function dataFrameHead(type: DataType, payloadBytes: number): Uint8Array {
  const payloadHead = 1 + varintLength(payloadBytes);
  const body = (type === 0 ? 0 : 2) + payloadHead + payloadBytes;
  const total = 1 + varintLength(body) + body;
  assertMessageSize(total);
  const head = new Uint8Array(4 + total - payloadBytes);
  new DataView(head.buffer).setUint32(0, total);
  let at = 4;
  head[at++] = (messageKinds.data.no << 3) | WireType.LengthDelimited;
  at = putVarint(head, at, body);
  if (type !== 0) {
    head[at++] = (1 << 3) | WireType.Varint;
    head[at++] = type;
  }
  head[at++] = (2 << 3) | WireType.LengthDelimited;
  putVarint(head, at, payloadBytes);
  return head;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length += 1;
  return length;
}

function putVarint(into: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80;
  into[at++] = rest;
  return at;
}
