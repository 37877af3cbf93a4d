import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RstreamError, limits } from '@rstream/protocol';
import { DataType, FrameDecoder, dataFrameHead, decodeMessage, encodeFrame, encodeMessage, type Message } from '@rstream/protocol/webtty';

type Known = Exclude<Message, { kind: 'unknown' }>;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** True when decoding gives a message or a coded error; false for any other exception. */
function readsOrRefuses(bytes: Uint8Array): boolean {
  try {
    return typeof decodeMessage(bytes).kind === 'string';
  } catch (error) {
    return RstreamError.is(error) && error.code === 'ERR_RSTREAM_WEBTTY_PROTOCOL';
  }
}

const attachTail = { deviceId: { value: 'd' }, browserId: { value: 'b' }, clientProof: new Uint8Array([9]) };

/** Computed by hand from the field numbers of the published schema. */
const golden: readonly (readonly [name: string, message: Known, encoded: string])[] = [
  [
    'open with argv, one variable, a working directory and a user name',
    {
      kind: 'open',
      config: {
        options: { interactive: false, allocateTty: false, sendHeartbeat: true },
        cmdArgs: ['ls', '-l'],
        envVars: [{ key: 'A', value: 'b' }],
        workdir: { value: '/' },
        username: { name: 'u' },
      },
      capabilities: [],
    },
    '0a20 0a1e 0a021801 12026c73 12022d6c 1a060a0141120162 22030a012f 2a030a0175',
  ],
  [
    'open with a terminal and a user id, and packed capabilities',
    {
      kind: 'open',
      config: {
        options: { interactive: true, allocateTty: true, sendHeartbeat: false },
        cmdArgs: [],
        envVars: [],
        username: { id: 1000 },
      },
      capabilities: [1, 2],
    },
    '0a11 0a0b 0a0408011001 2a0310e807 12020102',
  ],
  [
    'open with our extension in field 1000 of the config',
    {
      kind: 'open',
      config: {
        cmdArgs: ['x'],
        envVars: [],
        exec: {
          deadlineMs: 1000,
          killGraceMs: 0,
          maxOutputBytes: 0,
          unsetEnv: ['A'],
          cleanEnv: true,
        },
      },
      capabilities: [1000],
    },
    '0a14 0a0e 120178 c23e08 08e807 220141 2801 1202e807',
  ],
  ['ack', { kind: 'ack', capabilities: [], stdinWindow: 0 }, '1200'],
  ['ack of a server that speaks our extension', { kind: 'ack', capabilities: [1000], stdinWindow: 5 }, '1208 c23e02e807 c83e05'],
  ['error', { kind: 'error', msg: 'no', reason: 0 }, '1a04 0a026e6f'],
  ['error with our reason', { kind: 'error', msg: '', reason: 1 }, '1a03 c03e01'],
  ['close 0', { kind: 'close', returnCode: 0 }, '2200'],
  ['close -1 as a ten-byte varint', { kind: 'close', returnCode: -1 }, '220b 08ffffffffffffffffff01'],
  [
    'close with our report',
    {
      kind: 'close',
      returnCode: 0,
      report: { signal: 'SIGTERM', timedOut: true, cancelled: false, stdoutBytes: 300, stderrBytes: 0, durationMs: 1 },
    },
    '2213 c23e10 0a075349475445524d 1001 20ac02 3001',
  ],
  ['stdin data', { kind: 'data', type: DataType.STDIN, data: utf8('hi') }, '2a04 12026869'],
  ['stdout data', { kind: 'data', type: DataType.STDOUT, data: utf8('hi') }, '2a06 0801 12026869'],
  ['end of stderr', { kind: 'data', type: DataType.STDERR, eos: true }, '2a04 0802 1a00'],
  ['encrypted stdout', { kind: 'data', type: DataType.STDOUT, encryptedData: utf8('x') }, '2a05 0801 220178'],
  ['terminal size', { kind: 'parameter', terminalSize: { row: 24, col: 80, xpixel: 0, ypixel: 0 } }, '3206 0a04 0818 1050'],
  ['heartbeat', { kind: 'heartbeat' }, '3a00'],
  [
    'attach',
    {
      kind: 'attach',
      sessionId: 's',
      participantId: 'p',
      attachGrant: new Uint8Array([7]),
      requestedRole: 2,
      transport: 1,
      capabilities: [1, 3],
      ...attachTail,
    },
    '421e 0a0173 120170 1a0107 2002 2801 32020103 3a030a0164 42030a0162 4a0109',
  ],
  [
    'server hello',
    {
      kind: 'serverHello',
      protocolVersion: 1,
      sessionNonce: new Uint8Array([1]),
      serverIdentity: new Uint8Array([2]),
      payloadSuites: [1],
      keyEnvelopeSuites: [1],
      signatureSuites: [1],
      authRequirement: 2,
      workspaceId: 'w',
      projectId: 'p',
      serverId: 's',
      sessionId: 'i',
      serverProof: new Uint8Array([3]),
    },
    '4a22 0801 120101 1a0102 220101 2a0101 320101 3802 420177 4a0170 520173 5a0169 620103',
  ],
  ['protocol error', { kind: 'protocolError', code: 6, msg: 'x' }, '5205 0806 120178'],
  ['client hello', { kind: 'clientHello', protocolVersion: 1 }, '5a02 0801'],
  ['signal (ours)', { kind: 'signal', name: 'SIGINT', cancel: false }, 'c23e08 0a06534947494e54'],
  ['stdin credit (ours)', { kind: 'stdinCredit', bytes: 300 }, 'ca3e03 08ac02'],
  ['output credit (ours)', { kind: 'outputCredit', bytes: 300 }, 'd23e03 08ac02'],
  [
    'ack of a terminal with an output window (ours)',
    { kind: 'ack', capabilities: [1001], stdinWindow: 0, outputWindow: 1 },
    '1208 c23e02e907 d03e01',
  ],
  [
    'open with the first size of a terminal (ours)',
    { kind: 'open', config: { cmdArgs: [], envVars: [], terminalSize: { row: 24, col: 80, xpixel: 0, ypixel: 0 } }, capabilities: [] },
    '0a09 0a07 ca3e04 0818 1050',
  ],
];

describe('messages', () => {
  it.each(golden)('%s has the bytes of the published schema', (_name, message, encoded) => {
    expect(hex(encodeMessage(message))).toBe(encoded.replaceAll(' ', ''));
    expect(decodeMessage(fromHex(encoded))).toEqual(message);
  });

  it('reads repeated enums that are not packed', () => {
    expect(decodeMessage(fromHex('0a04 1001 1002'))).toEqual({ kind: 'open', capabilities: [1, 2] });
  });

  it('lets the last member of a oneof win', () => {
    expect(decodeMessage(fromHex('2a05 120178 1a00'))).toEqual({ kind: 'data', type: 0, eos: true });
    expect(decodeMessage(fromHex('1200 3a00'))).toEqual({ kind: 'heartbeat' });
  });

  it('skips unknown fields at every level and fields of another wire type', () => {
    expect(decodeMessage(fromHex('2a0d 0801 7a02ffff 12026869 f80101'))).toMatchObject({ kind: 'data', type: 1 });
    expect(decodeMessage(fromHex('2204 0a024142'))).toEqual({ kind: 'close', returnCode: 0 });
  });

  it('reads a kind that it does not know as unknown', () => {
    expect(decodeMessage(fromHex('6202 0801'))).toEqual({ kind: 'unknown' });
    expect(decodeMessage(new Uint8Array())).toEqual({ kind: 'unknown' });
  });

  it('does not copy the payload of a data message', () => {
    const encoded = encodeMessage({ kind: 'data', type: DataType.STDOUT, data: utf8('payload') });
    const message = decodeMessage(encoded);
    if (message.kind !== 'data' || message.data === undefined) throw new Error('not data');
    expect(message.data.buffer).toBe(encoded.buffer);
  });

  it('refuses a message one byte over the limit and takes one at the limit', () => {
    const limit = limits.webtty.messageBytes.default;
    const overhead = encodeMessage({ kind: 'error', msg: 'x'.repeat(limit - 100), reason: 0 }).byteLength - (limit - 100);
    expect(encodeMessage({ kind: 'error', msg: 'x'.repeat(limit - overhead), reason: 0 })).toHaveLength(limit);
    expect(() => encodeMessage({ kind: 'error', msg: 'x'.repeat(limit - overhead + 1), reason: 0 })).toThrow(RstreamError);
    expect(() => decodeMessage(new Uint8Array(limit + 1))).toThrow(RstreamError);
  });

  it('answers random bytes with a message or a coded error, never with anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readsOrRefuses(bytes)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('survives every cut and every flipped byte of the golden messages', () => {
    for (const [, , encoded] of golden) {
      const bytes = fromHex(encoded);
      for (let at = 0; at < bytes.length; at += 1) {
        for (const damaged of [bytes.subarray(0, at), bytes.with(at, (bytes[at] ?? 0) ^ 0x55)]) {
          expect(readsOrRefuses(damaged)).toBe(true);
        }
      }
    }
  });

  it('writes a data frame head that equals the generic encoder for any size', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2), fc.integer({ min: 1, max: 70_000 }), (type, size) => {
        const data = new Uint8Array(size);
        const frame = encodeFrame({ kind: 'data', type, data });
        expect(hex(dataFrameHead(type, size))).toBe(hex(frame.subarray(0, frame.length - size)));
      }),
    );
  });
});

describe('plain framing', () => {
  const messages = golden.map(([, message]) => message);
  const stream = new Uint8Array(Buffer.concat(messages.map((message) => encodeFrame(message))));

  it('gives the same messages at every split of the stream', () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const decoder = new FrameDecoder();
      const bodies = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))];
      expect(bodies.map((body) => decodeMessage(body))).toEqual(messages);
      expect(decoder.isIdle).toBe(true);
    }
  });

  it('gives the same messages for any chunking', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const decoder = new FrameDecoder();
        const bodies: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          bodies.push(...decoder.push(stream.subarray(at, at + size)));
          at += size;
        }
        expect(bodies.map((body) => decodeMessage(body))).toEqual(messages);
      }),
    );
  });

  it('refuses a length over the limit before any of the body arrives', () => {
    expect(() => [...new FrameDecoder().push(fromHex('7fffffff'))]).toThrow(/over the limit/);
  });

  it('passes an empty frame on and knows when it stands inside one', () => {
    const decoder = new FrameDecoder();
    expect([...decoder.push(fromHex('00000000'))]).toEqual([new Uint8Array()]);
    expect([...decoder.push(fromHex('000000'))]).toEqual([]);
    expect(decoder.isIdle).toBe(false);
  });
});
