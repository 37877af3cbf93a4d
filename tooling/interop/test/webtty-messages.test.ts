import { limits } from '@rstream/protocol';
import { decodeMessage, encodeMessage, type Message } from '@rstream/protocol/webtty';
import * as fc from 'fast-check';
import type { Type } from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arbitraryMessage, asOurs, fieldPaths, withoutDefaults } from '../src/webtty/published.ts';
import { PythonPeer, type Json, type Said } from '../src/webtty/python-peer.ts';
import { publishedMessage } from '../src/webtty/schema.ts';

type Known = Exclude<Message, { kind: 'unknown' }>;
/** A codec that this project did not write, with the published schema. */
interface Codec {
  encode(message: Json): Promise<Uint8Array>;
  decode(encoded: Uint8Array): Promise<Json>;
}

const RUNS = 400;
/** Fields of ours that stand at their default in what a published peer sent. */
const ourDefaults: Readonly<Record<string, Json>> = { ack: { capabilities: [], stdinWindow: 0 }, error: { reason: 0 } };
const type: Type = publishedMessage();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

const protobufjs: Codec = {
  encode: async (message) => new Uint8Array(type.encode(type.fromObject(message)).finish()),
  decode: async (encoded) => type.toObject(type.decode(encoded), { bytes: String, enums: Number, longs: Number }),
};
let peer: PythonPeer;
const asked = async (line: Json): Promise<Said> => {
  const next = peer.said.length;
  peer.tell(line);
  const answer = await peer.until((said) => said[next]);
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
};
const python: Codec = {
  encode: async (message) => fromHex((await asked({ encode: message })).hex ?? ''),
  decode: async (encoded) => (await asked({ decode: hex(encoded) })).message ?? {},
};
const codecs: readonly (readonly [string, Codec])[] = [
  ['protobufjs', protobufjs],
  ["Google's protobuf for Python", python],
];

function ours(message: Json): Message {
  const [kind = 'unknown'] = Object.keys(message);
  return { kind, ...ourDefaults[kind], ...(asOurs(type, message)[kind] as Json) } as Message;
}

beforeAll(() => {
  peer = new PythonPeer(['codec']);
});
afterAll(() => peer.stop());

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const grant = {
  payloadSuite: 1,
  payloadKeyId: b64('id'),
  keyEnvelopes: [{ recipientKeyId: b64('r'), encapsulatedKey: b64('e'), wrappedKey: b64('w') }],
  keyContext: b64('{}'),
  keyEnvelopeSuite: 1,
};
const config = {
  options: { interactive: true, allocateTty: true, sendHeartbeat: true },
  cmdArgs: ['ls', '-l', ''],
  envVars: [
    { key: 'A', value: 'b' },
    { key: 'Ü', value: '' },
  ],
  workdir: { value: '/srv' },
};
const crypto = { suite: 1, keyId: b64('k'), nonce: b64('n'), aadContext: b64('a') };

/** Between them they set every field of the schema. */
const vectors: readonly (readonly [string, Json])[] = [
  [
    'open',
    { open: { config: { ...config, username: { name: 'pi' } }, capabilities: [1, 2], sessionKeyGrant: grant, clientProof: b64('p') } },
  ],
  ['open as a user id', { open: { config: { username: { id: 0 } } } }],
  ['ack', { ack: {} }],
  ['error', { error: { msg: 'no' } }],
  ['close', { close: { returnCode: 255 } }],
  ['close of a signalled command', { close: { returnCode: -1 } }],
  ['data', { data: { type: 1, data: b64('out') } }],
  ['data that is empty, which is not the end', { data: { data: '' } }],
  ['end of a stream', { data: { type: 2, eos: {} } }],
  ['encrypted data', { data: { type: 1, encryptedData: { ciphertext: b64('c'), plaintextLength: 3, payloadCrypto: crypto } } }],
  ['size of a terminal', { parameter: { terminalSize: { row: 24, col: 80, xpixel: 640, ypixel: 384 } } }],
  ['heartbeat', { heartbeat: {} }],
  [
    'attach',
    {
      attach: {
        sessionId: 's',
        participantId: 'p',
        attachGrant: b64('g'),
        requestedRole: 1,
        transport: 2,
        capabilities: [1, 2, 3],
        deviceId: { value: 'd' },
        browserId: { value: '' },
        clientProof: b64('c'),
      },
    },
  ],
  [
    'server hello',
    {
      serverHello: {
        protocolVersion: 1,
        sessionNonce: b64('n'),
        serverIdentity: b64('i'),
        payloadSuites: [1, 2],
        keyEnvelopeSuites: [1],
        signatureSuites: [300],
        authRequirement: 2,
        workspaceId: 'w',
        projectId: 'p',
        serverId: 's',
        sessionId: 'i',
        serverProof: b64('p'),
      },
    },
  ],
  ['protocol error', { protocolError: { code: 14, msg: 'm' } }],
  ['client hello', { clientHello: { protocolVersion: 1 } }],
];

it('the vectors set every field of the published schema', () => {
  const set = new Set(vectors.flatMap(([, message]) => fieldPaths(type, message)));
  expect(fieldPaths(type).filter((path) => !set.has(path))).toEqual([]);
});

describe.each(codecs)('with %s', (_name, codec) => {
  it.each(vectors)('%s has the same bytes at both ends', async (_message, message) => {
    const theirs = await codec.encode(message);
    expect(decodeMessage(theirs)).toEqual(ours(message));
    expect(hex(encodeMessage(ours(message) as Known))).toBe(hex(theirs));
    expect(await codec.decode(theirs)).toEqual(withoutDefaults(type, message));
  });

  it(`reads and writes ${RUNS} random messages as they were meant`, async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryMessage(type), async (message) => {
        const clean = withoutDefaults(type, message);
        expect(decodeMessage(await codec.encode(message))).toEqual(ours(clean));
        expect(await codec.decode(encodeMessage(ours(message) as Known))).toEqual(clean);
      }),
      { numRuns: RUNS },
    );
  });

  it('lets the last member of a oneof win, as we do', async () => {
    for (const bytes of ['2a05 120178 1a00', '2a05 1a00 120178', '1200 3a00', '0a09 0a07 2a05 0a0175 1001']) {
      const read = await codec.decode(fromHex(bytes));
      expect(decodeMessage(fromHex(bytes))).toEqual(ours(read));
    }
  });

  it('reads repeated enums packed, unpacked and mixed, as we do', async () => {
    for (const bytes of ['0a04 12020102', '0a04 1001 1002', '0a08 1001 12020201 1001', '420432020103', '420430013003']) {
      const read = await codec.decode(fromHex(bytes));
      expect(decodeMessage(fromHex(bytes))).toEqual(ours(read));
    }
  });

  it('sees in a message of ours with every extension what it would see without them', async () => {
    const session = { id: 's', resumeMs: 1, role: 1, stdinOffset: 1, stdoutOffset: 2, stderrOffset: 3, terminal: true, tenure: 4 };
    const report = { signal: 'SIGHUP', timedOut: true, cancelled: true, stdoutBytes: 1, stderrBytes: 2, durationMs: 3 };
    const exec = { deadlineMs: 1, killGraceMs: 2, maxOutputBytes: 3, unsetEnv: ['A'], cleanEnv: true };
    const terminalSize = { row: 1, col: 2, xpixel: 3, ypixel: 4 };
    const options = { detached: true, resumeMs: 1, label: 'l', record: true };
    const extended: readonly (readonly [Known, Json])[] = [
      [
        { kind: 'open', config: { cmdArgs: ['x'], envVars: [], exec, terminalSize, session: options }, capabilities: [] },
        { open: { config: { cmdArgs: ['x'] } } },
      ],
      [{ kind: 'ack', capabilities: [1000, 1001, 1002], stdinWindow: 5, outputWindow: 6, session }, { ack: {} }],
      [{ kind: 'error', msg: 'no', reason: 3 }, { error: { msg: 'no' } }],
      [{ kind: 'close', returnCode: -1, report }, { close: { returnCode: -1 } }],
    ];
    for (const [message, seen] of extended) expect(await codec.decode(encodeMessage(message))).toEqual(seen);
    const announced = await codec.decode(encodeMessage({ kind: 'open', capabilities: [1000, 1002] }));
    expect(announced).toEqual({ open: { capabilities: [1000, 1002] } });
  });

  it('takes a kind of ours for a message that says nothing', async () => {
    const kinds: readonly Known[] = [
      { kind: 'signal', name: 'SIGINT', cancel: false },
      { kind: 'stdinCredit', bytes: 1 },
      { kind: 'outputCredit', bytes: 1 },
      {
        kind: 'resume',
        sessionId: 's',
        role: 1,
        capabilities: [],
        stdoutUnconsumed: 0,
        stderrUnconsumed: 0,
        heartbeat: false,
        scrollback: 0,
        tenure: 0,
      },
      { kind: 'snapshot', offset: 1 },
      { kind: 'control', action: 1, viewer: 1, role: 1, keepMs: 1, tenure: 1, stdinWindow: 1 },
      { kind: 'sessionsRequest', action: 1, sessionId: '', ttlMs: 0, shareId: '' },
      { kind: 'sessionsReply', sessions: [], shareId: '', expiresAtMs: 0 },
      { kind: 'probe', id: 1, reply: true },
    ];
    for (const message of kinds) expect(await codec.decode(encodeMessage(message))).toEqual({});
  });

  it('writes 1 MiB, which we take, and one byte more, which we refuse', async () => {
    const limit = limits.webtty.messageBytes.default;
    const of = (bytes: number): Promise<Uint8Array> => codec.encode({ data: { type: 1, data: Buffer.alloc(bytes).toString('base64') } });
    const overhead = (await of(limit - 100)).byteLength - (limit - 100);
    const largest = await of(limit - overhead);
    expect(largest).toHaveLength(limit);
    expect(decodeMessage(largest)).toMatchObject({ kind: 'data', data: { length: limit - overhead } });
    const over = await of(limit - overhead + 1);
    expect(() => decodeMessage(over)).toThrow(expect.objectContaining({ code: 'ERR_RSTREAM_WEBTTY_PROTOCOL' }) as Error);
  });
});

it('a newer published peer: fields that neither knows are skipped at every level', async () => {
  for (const bytes of ['0a0e 0a0c 0a050801 7a0101 120178 7801', '2a08 0801 12016a f80101', '2205 0801 9a0100']) {
    const read = await python.decode(fromHex(bytes));
    expect(decodeMessage(fromHex(bytes))).toEqual(ours(read));
  }
});
