import type { Duplex } from 'node:stream';
import { errorFromReport, RstreamError } from '@rstream/protocol';
import { relayLimits } from '@rstream/protocol/limits';
import { OpenHeader, WireErrorBody } from '@rstream/protocol/wire';
import type { Bound } from '../bound.ts';
import { readExactly } from './read-exactly.ts';

const ACCEPTED = 0x00;
const REFUSED = 0x01;
const acceptedByte = Buffer.of(ACCEPTED);

/** 4-byte big-endian length + JSON, as one buffer; `prefix` bytes are left free in front. */
export function encodeJson(value: unknown, prefix = 0): Buffer {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(prefix + 4 + length);
  frame.writeUInt32BE(length, prefix);
  frame.write(text, prefix + 4, length, 'utf8');
  return frame;
}

/** Parses JSON that a peer sent; `INVALID_STREAM` when it is not JSON. */
export function decodeJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new RstreamError('INVALID_STREAM', 'The peer sent something that is not JSON.', { cause });
  }
}

/** Writes the header that opens a stream. The opener may write its own bytes straight after it, before any answer. */
export function sendOpenHeader(stream: Duplex, header: OpenHeader): void {
  stream.write(encodeJson(header));
}

/**
 * Reads the header of a stream that the peer opened, and nothing after it. Default deadline `relay.openTimeout`, size
 * `relay.openHeaderBytes`. Rejects with `INVALID_STREAM` on anything malformed; the caller then refuses or destroys the stream.
 */
export async function readOpenHeader(stream: Duplex, bound: Bound = {}): Promise<OpenHeader> {
  const limits = { timeout: relayLimits.openTimeout.default, ...bound, what: 'Reading the header of a stream' };
  const value = await readJson(stream, relayLimits.openHeaderBytes.default, limits);
  const parsed = OpenHeader.safeParse(value);
  if (!parsed.success) throw new RstreamError('INVALID_STREAM', 'The stream header names no kind of stream that this end knows.');
  return parsed.data;
}

/** Answers yes. What is written next follows in the same batch. */
export function acceptStream(stream: Duplex): void {
  stream.write(acceptedByte);
}

/** Answers no, with the reason, and ends the stream. What the opener already sent is thrown away. */
export function refuseStream(stream: Duplex, error: RstreamError): void {
  if (stream.destroyed) return;
  const body: WireErrorBody = { error: error.message, code: error.code, next: error.next };
  const answer = encodeJson(body, 1);
  answer[0] = REFUSED;
  stream.on('error', () => {});
  stream.end(answer);
  stream.resume();
}

/**
 * Reads the far end's answer and nothing after it. Resolves when it accepted; rejects with its reason when it refused, with
 * `SESSION_LOST` when the stream ended without an answer, `ERR_RSTREAM_TIMEOUT` after `timeout` (default `relay.openTimeout`).
 */
export async function readAnswer(stream: Duplex, bound: Bound = {}): Promise<void> {
  const limits = { timeout: relayLimits.openTimeout.default, ...bound, what: 'Waiting for the far end to accept the stream' };
  const answer = await readExactly(stream, 1, limits);
  if (answer[0] === ACCEPTED) return;
  if (answer[0] !== REFUSED) throw new RstreamError('INVALID_STREAM', 'The far end answered with neither yes nor no.');
  const body = WireErrorBody.safeParse(await readJson(stream, relayLimits.openHeaderBytes.default, limits));
  if (!body.success) throw new RstreamError('INVALID_STREAM', 'The far end refused the stream without a readable reason.');
  throw errorFromReport({ code: body.data.code, message: body.data.error, next: body.data.next });
}

async function readJson(stream: Duplex, limit: number, bound: Bound & { readonly what: string }): Promise<unknown> {
  const length = (await readExactly(stream, 4, bound)).readUInt32BE(0);
  if (length === 0 || length > limit)
    throw new RstreamError('INVALID_STREAM', `The peer announced ${length} bytes where at most ${limit} are allowed.`);
  return decodeJson(await readExactly(stream, length, bound));
}
