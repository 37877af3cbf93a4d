import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeHeader, frameFlag, frameType, headerBytes } from '../src/mux/frame.ts';
import { FrameParser, type FrameSink } from '../src/mux/parser.ts';
import { naiveDecode, naiveEncode, type NaiveFrame } from './mux-naive-codec.ts';

/** Collects whole frames; a body is joined from whatever parts it came in. */
class Collector implements FrameSink {
  readonly frames: NaiveFrame[] = [];
  parts = 0;
  #open: { frame: NaiveFrame; parts: Buffer[] } | undefined;

  onHeader(version: number, kind: number, id: number, length: number): void {
    const frame = { version, type: kind >>> 16, flags: kind & 0xffff, id, length, body: '' };
    this.frames.push(frame);
    if (frame.type === frameType.data) this.#open = { frame, parts: [] };
  }

  onBody(part: Buffer): void {
    this.parts += 1;
    this.#open?.parts.push(part);
  }

  onBodyEnd(): void {
    if (this.#open !== undefined) this.#open.frame.body = Buffer.concat(this.#open.parts).toString('hex');
    this.#open = undefined;
  }
}

function parse(chunks: readonly Buffer[]): Collector {
  const collector = new Collector();
  const parser = new FrameParser(collector);
  for (const chunk of chunks) parser.push(chunk);
  return collector;
}

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const dataFrame = fc
  .record({ flags: fc.integer({ min: 0, max: 15 }), id: uint32, body: fc.uint8Array({ maxLength: 300 }) })
  .map(({ flags, id, body }): NaiveFrame => ({
    version: 0,
    type: frameType.data,
    flags,
    id,
    length: body.length,
    body: Buffer.from(body).toString('hex'),
  }));
const controlFrame = fc
  .record({ type: fc.integer({ min: 1, max: 3 }), flags: fc.integer({ min: 0, max: 0xffff }), id: uint32, length: uint32 })
  .map(({ type, flags, id, length }): NaiveFrame => ({ version: 0, type, flags, id, length, body: '' }));
const frames = fc.array(fc.oneof(dataFrame, controlFrame), { minLength: 1, maxLength: 12 });

describe('the frame codec', () => {
  test.each([
    { type: frameType.window, flags: frameFlag.syn, id: 1, length: 0x000c_0000, hex: '0001000100000001000c0000' },
    { type: frameType.data, flags: frameFlag.none, id: 3, length: 5, hex: '000000000000000300000005' },
    { type: frameType.ping, flags: frameFlag.ack, id: 0, length: 0xdead_beef, hex: '0002000200000000deadbeef' },
    { type: frameType.goAway, flags: frameFlag.none, id: 0, length: 1, hex: '000300000000000000000001' },
    { type: frameType.window, flags: frameFlag.fin, id: 0xffff_ffff, length: 0, hex: '00010004ffffffff00000000' },
    { type: frameType.window, flags: frameFlag.rst, id: 0x8000_0000, length: 0, hex: '000100088000000000000000' },
  ])('writes $hex', ({ hex, ...header }) => {
    const buffer = Buffer.alloc(headerBytes);
    expect(encodeHeader(buffer, 0, header)).toBe(headerBytes);
    expect(buffer.toString('hex')).toBe(hex);
    expect(buffer).toEqual(naiveEncode({ version: 0, ...header, body: '' }));
  });

  test('agrees with a naive second codec on any frames', () => {
    fc.assert(
      fc.property(frames, (list) => {
        const bytes = Buffer.concat(list.map(naiveEncode));
        expect(parse([bytes]).frames).toEqual(naiveDecode(bytes));
        expect(naiveDecode(bytes)).toEqual(list);
      }),
    );
  });
});

describe('the frame parser', () => {
  const sample: NaiveFrame[] = [
    { version: 0, type: 1, flags: 1, id: 1, length: 786_432, body: '' },
    { version: 0, type: 0, flags: 0, id: 1, length: 7, body: '01020304050607' },
    { version: 0, type: 0, flags: 4, id: 1, length: 0, body: '' },
    { version: 0, type: 2, flags: 1, id: 0, length: 9, body: '' },
    { version: 0, type: 0, flags: 0, id: 3, length: 1, body: 'ff' },
  ];
  const sampleBytes = Buffer.concat(sample.map(naiveEncode));

  test('gives the same frames when split in two at every byte', () => {
    for (let at = 0; at <= sampleBytes.length; at += 1) {
      expect(parse([sampleBytes.subarray(0, at), sampleBytes.subarray(at)]).frames).toEqual(sample);
    }
  });

  test('gives the same frames when fed byte by byte', () => {
    expect(parse(Array.from(sampleBytes, (byte) => Buffer.from([byte]))).frames).toEqual(sample);
  });

  test('gives the same frames for any chunking', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (list, sizes) => {
        const bytes = Buffer.concat(list.map(naiveEncode));
        const chunks: Buffer[] = [];
        for (let at = 0, index = 0; at < bytes.length; index += 1) {
          const size = sizes[index % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(parse(chunks).frames).toEqual(list);
      }),
    );
  });

  test('hands on the part of a body that has arrived, as a view into its chunk', () => {
    const parts: Buffer[] = [];
    const parser = new FrameParser({ onHeader: () => {}, onBody: (part) => void parts.push(part), onBodyEnd: () => {} });
    const bytes = naiveEncode({ version: 0, type: 0, flags: 0, id: 1, length: 4, body: 'aabbccdd' });
    const first = bytes.subarray(0, headerBytes + 1);
    parser.push(first);
    expect(parts).toHaveLength(1);
    expect(parts[0]?.buffer).toBe(bytes.buffer);
    expect(parser.atBoundary).toBe(false);
    parser.push(bytes.subarray(headerBytes + 1));
    expect(Buffer.concat(parts).toString('hex')).toBe('aabbccdd');
    expect(parser.atBoundary).toBe(true);
  });

  test('never throws on garbage, whatever its chunking', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
        expect(() => parse(chunks.map((chunk) => Buffer.from(chunk)))).not.toThrow();
      }),
    );
  });
});
