import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, type Message, type SessionInfo } from '@rstream/protocol/webtty';
import { messageKinds } from '../src/webtty/messages.ts';

type Known = Exclude<Message, { kind: 'unknown' }>;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const size = { row: 24, col: 80, xpixel: 0, ypixel: 0 };
const allOfIt: SessionInfo = {
  id: 's',
  label: 'l',
  argv: ['a', 'b'],
  cwd: '/',
  terminal: true,
  detached: true,
  running: true,
  startedAtMs: 300,
  endedAtMs: 301,
  exitCode: -1,
  signal: 'SIGHUP',
  timedOut: true,
  cancelled: true,
  stdoutBytes: 1,
  stderrBytes: 2,
  stdoutKept: 3,
  stderrKept: 4,
  viewers: 5,
  shares: 6,
};

/** Computed by hand from the field numbers: what is on the wire between two versions of ours must not move. */
const golden: readonly (readonly [name: string, message: Known, encoded: string])[] = [
  [
    'open of a job',
    {
      kind: 'open',
      config: { cmdArgs: ['x'], envVars: [], session: { detached: true, resumeMs: 300_000, label: 'n', record: true } },
      capabilities: [1000, 1002],
    },
    '0a19 0a11 120178 d23e0b 0801 10e0a712 1a016e 2001 1204e807ea07',
  ],
  [
    'ack that names the session',
    {
      kind: 'ack',
      capabilities: [1002],
      stdinWindow: 0,
      session: {
        id: 's',
        secret: new Uint8Array([1]),
        resumeMs: 300,
        role: 1,
        stdinOffset: 5,
        stdoutOffset: 2 ** 32,
        stderrOffset: 1,
        terminal: true,
        tenure: 7,
      },
    },
    '1221 c23e02ea07 da3e19 0a0173 120101 18ac02 2001 2805 308080808010 3801 4001 4807',
  ],
  ['credit for stderr', { kind: 'outputCredit', bytes: 300, type: 2 }, 'd23e05 08ac02 1002'],
  [
    'resume of a controller that has read some',
    {
      kind: 'resume',
      sessionId: 's',
      secret: new Uint8Array([9]),
      role: 3,
      capabilities: [1000, 1001, 1002],
      stdoutOffset: 300,
      stderrOffset: 0,
      stdoutUnconsumed: 1,
      stderrUnconsumed: 2,
      terminalSize: size,
      heartbeat: true,
      scrollback: 300,
      tenure: 7,
    },
    'da3e26 0a0173 120109 1803 2206e807e907ea07 28ac02 3000 3801 4002 4a0408181050 5001 58ac02 6007',
  ],
  [
    'resume of a viewer that has nothing, which is not the same as offset 0',
    {
      kind: 'resume',
      sessionId: 's',
      role: 2,
      capabilities: [],
      stdoutUnconsumed: 0,
      stderrUnconsumed: 0,
      heartbeat: false,
      scrollback: 0,
      tenure: 0,
    },
    'da3e05 0a0173 1802',
  ],
  ['snapshot', { kind: 'snapshot', offset: 300, size, screen: new Uint8Array([0x41]) }, 'e23e0c 08ac02 120408181050 1a0141'],
  [
    'control',
    { kind: 'control', action: 4, viewer: 2, role: 1, keepMs: 300, tenure: 7, stdinWindow: 300 },
    'ea3e0e 0804 1002 1801 20ac02 2807 30ac02',
  ],
  [
    'request for a share',
    { kind: 'sessionsRequest', action: 4, sessionId: 's', ttlMs: 300, shareId: 'h', secret: new Uint8Array([7]) },
    'f23e0e 0804 120173 18ac02 220168 2a0107',
  ],
  [
    'reply with a session and a share',
    { kind: 'sessionsReply', sessions: [allOfIt], shareId: 'h', shareSecret: new Uint8Array([7]), expiresAtMs: 300 },
    `fa3e4d 0a42 0a0173 12016c 1a0161 1a0162 22012f 2801 3001 3801 40ac02 48ad02 50ffffffffffffffffff01 5a06534947485550 6001 6801
     7001 7802 800103 880104 900105 980106 120168 1a0107 20ac02`.replaceAll(/\s+/g, ' '),
  ],
  ['reply without sessions', { kind: 'sessionsReply', sessions: [], shareId: '', expiresAtMs: 0 }, 'fa3e00'],
  ['probe', { kind: 'probe', id: 7, reply: true }, '823f04 0807 1001'],
];

describe('messages of sessions', () => {
  it.each(golden)('%s has its bytes', (_name, message, encoded) => {
    expect(hex(encodeMessage(message))).toBe(encoded.replaceAll(' ', ''));
    expect(decodeMessage(fromHex(encoded))).toEqual(message);
  });

  it('keeps offsets exact up to 2^53', () => {
    const far = Number.MAX_SAFE_INTEGER;
    const message: Known = { kind: 'snapshot', offset: far, size };
    expect(decodeMessage(encodeMessage(message))).toEqual(message);
  });

  it('freezes the numbers of all kinds: published ones below 1000, ours from 1000 on', () => {
    expect(Object.entries(messageKinds).map(([kind, { no }]) => `${no} ${kind}`)).toEqual([
      '1 open',
      '2 ack',
      '3 error',
      '4 close',
      '5 data',
      '6 parameter',
      '7 heartbeat',
      '8 attach',
      '9 serverHello',
      '10 protocolError',
      '11 clientHello',
      '1000 signal',
      '1001 stdinCredit',
      '1002 outputCredit',
      '1003 resume',
      '1004 snapshot',
      '1005 control',
      '1006 sessionsRequest',
      '1007 sessionsReply',
      '1008 probe',
    ]);
  });
});
