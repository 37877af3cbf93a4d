import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeMessage, encodeMessage, OpenCapability, type Message } from '@rstream/protocol/webtty';
import type { PageAddress } from '../src/page/address.ts';
import { SessionKeeper } from '../src/page/kept-session.ts';
import { PageSession, type SessionState } from '../src/page/session.ts';

type Known = Exclude<Message, { kind: 'unknown' }>;

/** A device at the other end of every WebSocket, played by a test. */
class Device extends EventTarget {
  static readonly OPEN = 1;
  static readonly all: Device[] = [];
  readyState = 0;
  bufferedAmount = 0;
  binaryType = '';
  readonly url: string;
  readonly got: Message[] = [];
  #wake = (): void => undefined;

  constructor(url: string) {
    super();
    this.url = url;
    Device.all.push(this);
    queueMicrotask(() => {
      this.readyState = 1;
      this.dispatchEvent(new Event('open'));
    });
  }

  send(bytes: Uint8Array): void {
    this.got.push(decodeMessage(bytes));
    this.#wake();
  }
  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    queueMicrotask(() => this.dispatchEvent(Object.assign(new Event('close'), { code: 1000, reason: '' })));
  }
  say(...messages: readonly Known[]): void {
    for (const message of messages)
      this.dispatchEvent(new MessageEvent('message', { data: Uint8Array.from(encodeMessage(message)).buffer }));
  }
  async until(kind: Message['kind']): Promise<Message> {
    for (;;) {
      const found = this.got.find((message) => message.kind === kind);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const ack = (outputWindow: number): Known => ({
  kind: 'ack',
  capabilities: [OpenCapability.EXEC_CONTRACT, OpenCapability.OUTPUT_CREDIT],
  stdinWindow: 1_000,
  outputWindow,
});
const out = (bytes: number): Known => ({ kind: 'data', type: 1, data: new Uint8Array(bytes) });
const size = { rows: 24, columns: 80 };
const own: PageAddress = { socketUrl: 'ws://device/', share: undefined, attach: undefined };

beforeEach(() => {
  Device.all.length = 0;
  vi.stubGlobal('WebSocket', Device);
});
afterEach(() => vi.unstubAllGlobals());

interface Opened {
  readonly session: PageSession;
  readonly kept: Map<string, string>;
  readonly parsed: (() => void)[];
  /** Waits for a state that matches. */
  until(matches: (state: SessionState) => boolean): Promise<SessionState>;
  connection(count: number): Promise<Device>;
}

function open(address: PageAddress = own, kept = new Map<string, string>(), isOurs = true): Opened {
  const parsed: (() => void)[] = [];
  let wake = (): void => undefined;
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
  const session = new PageSession({
    address,
    keeper: new SessionKeeper(storage),
    screen: { size, follow: () => undefined, reset: () => undefined, write: () => new Promise((resolve) => parsed.push(resolve)) },
    onState: () => wake(),
    claim: () => Promise.resolve(isOurs),
  });
  void session.start();
  const change = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  return {
    session,
    kept,
    parsed,
    async until(matches) {
      while (!matches(session.state)) await change();
      return session.state;
    },
    async connection(count) {
      while (Device.all.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
      return Device.all[count - 1] as Device;
    },
  };
}

describe('the session of a page', () => {
  it('gives credit for output when the screen has parsed it, and not before', async () => {
    const { parsed, until, connection } = open();
    const device = await connection(1);
    await device.until('open');
    device.say(ack(1_000), out(600));
    await until(({ phase }) => phase.kind === 'online');
    while (parsed.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(device.got.map(({ kind }) => kind)).not.toContain('outputCredit');
    parsed[0]?.();
    expect(await device.until('outputCredit')).toMatchObject({ bytes: 600 });
  });

  it('after the end opens nothing by itself, not even for the next page of the tab, until it is asked to', async () => {
    const first = open();
    const device = await first.connection(1);
    await device.until('open');
    device.say(ack(1_000), { kind: 'data', type: 1, eos: true }, { kind: 'close', returnCode: 3 });
    device.close();
    await first.until(({ phase }) => phase.kind === 'ended');
    const reloaded = open(own, first.kept);
    expect(reloaded.session.state.phase).toEqual({ kind: 'ended', words: 'The session ended with exit code 3.' });
    expect(Device.all).toHaveLength(1);
    void reloaded.session.startAfresh();
    await (await reloaded.connection(2)).until('open');
  });

  it('attaches where an earlier page of the tab has a session, and takes one that is not there any more for ended', async () => {
    const kept = new Map([['rstream.session', JSON.stringify({ state: 'running', id: 'ses_1', secret: 'AAAA' })]]);
    const { until, connection } = open(own, kept);
    const device = await connection(1);
    expect(await device.until('resume')).toMatchObject({ sessionId: 'ses_1', secret: new Uint8Array(3) });
    device.say({ kind: 'error', msg: '', reason: 11 });
    const { phase } = await until((state) => state.phase.kind === 'ended');
    expect(phase).toEqual({ kind: 'ended', words: 'The session is no longer there.' });
    expect(Device.all).toHaveLength(1);
  });

  it('that another tab has is only looked at: the secret would take it away from there', async () => {
    const kept = new Map([['rstream.session', JSON.stringify({ state: 'running', id: 'ses_1', secret: 'AAAA' })]]);
    const { connection } = open(own, kept, false);
    const resume = await (await connection(1)).until('resume');
    expect(resume).toMatchObject({ sessionId: 'ses_1' });
    expect(resume).not.toHaveProperty('secret');
  });

  it('of a share asks for nothing but to look, and sends nothing that is typed', async () => {
    const share: PageAddress = {
      ...own,
      socketUrl: 'ws://device/share/shr_1/socket',
      share: { key: { sessionId: 'ses_1', secret: 'AAAA' } },
    };
    const { session, kept, until, connection } = open(share);
    const device = await connection(1);
    expect(await device.until('resume')).toMatchObject({ sessionId: 'ses_1', role: 3 });
    const handle = { id: 'ses_1', resumeMs: 0, role: 3, stdinOffset: 0, stdoutOffset: 0, stderrOffset: 0, terminal: true };
    device.say({ ...ack(1_000), session: handle } as Known);
    await until(({ phase }) => phase.kind === 'online');
    session.type(new Uint8Array([97]));
    session.resize(size);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(device.got.map(({ kind }) => kind)).not.toContain('data');
    expect(device.got.map(({ kind }) => kind)).not.toContain('parameter');
    expect(session.state.role).toBe('spectator');
    expect([...kept.keys()]).toEqual([]);
  });

  it('of a share whose link was cut short says so, without connecting', async () => {
    const { until } = open({ ...own, share: { key: undefined } });
    const { phase } = await until((state) => state.phase.kind === 'failed');
    expect(phase).toMatchObject({ error: { code: 'ERR_RSTREAM_SESSION_NOT_FOUND' } });
    expect(Device.all).toHaveLength(0);
  });
});
