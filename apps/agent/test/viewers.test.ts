import { Terminal } from '@xterm/headless';
import { describe, expect, it } from 'vitest';
import { limits } from '@rstream/protocol';
import {
  attachTerminal,
  endSession,
  listSessions,
  openTerminal,
  shareSession,
  unshareSession,
  type RemoteTerminal,
  type TerminalRole,
} from '@rstream/webtty-client';
import { Device } from './device.ts';

const sh = (script: string): string[] => ['sh', '-c', script];
const size = { rows: 24, columns: 80 };
const type = (terminal: RemoteTerminal, text: string): Promise<void> => terminal.write(Buffer.from(text));

/** What a viewer sees: an emulator that is fed with the output of a terminal. */
class Display {
  readonly terminal = new Terminal({ rows: size.rows, cols: size.columns, allowProposedApi: true });
  readonly done: Promise<void>;
  #wake: (() => void)[] = [];

  constructor(output: AsyncIterable<Uint8Array>) {
    this.done = (async () => {
      for await (const chunk of output) {
        await new Promise<void>((resolve) => this.terminal.write(chunk, resolve));
        for (const wake of this.#wake.splice(0)) wake();
      }
    })();
    this.done.catch(() => undefined);
  }

  get text(): string {
    const { active } = this.terminal.buffer;
    return Array.from(
      { length: this.terminal.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '',
    ).join('\n');
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}

describe('a terminal with several viewers', () => {
  it('shows a newcomer the screen, what follows, and the size', async () => {
    const device = new Device();
    const owner = await openTerminal(device.connect(), { ...size, argv: sh('echo first; cat') }, { reconnect: device.reconnect });
    await new Display(owner.output).until(/first/);
    const sizes: unknown[] = [];
    const other = await attachTerminal(
      device.connect(),
      { sessionId: owner.session?.id ?? '', role: 'viewer' },
      { onSize: (to) => sizes.push([to.rows, to.columns]) },
    );
    const seen = new Display(other.output);
    await seen.until(/first/);
    await type(owner, 'second\r');
    await seen.until(/second\nsecond/);
    await owner.resize({ rows: 30, columns: 100 });
    await expect.poll(() => sizes).toContainEqual([30, 100]);
    await type(other, 'nothing\r');
    await type(owner, 'third\r');
    await seen.until(/third\nthird/);
    expect(seen.text).not.toContain('nothing');
    owner.close();
    await Promise.all([owner.wait(), other.wait()]);
    expect(device.records.map(({ decision }) => decision).toSorted()).toEqual(['run', 'viewed']);
  });

  it('hands control over when its controller says so, and not before', async () => {
    const device = new Device();
    const roles: [string, TerminalRole][] = [];
    const asked = Promise.withResolvers<number>();
    const owner = await openTerminal(
      device.connect(),
      { ...size, argv: ['cat'] },
      { reconnect: device.reconnect, onControlRequest: asked.resolve, onRole: (role) => roles.push(['owner', role]) },
    );
    const other = await attachTerminal(
      device.connect(),
      { sessionId: owner.session?.id ?? '' },
      { onRole: (role) => roles.push(['other', role]) },
    );
    const seen = new Display(owner.output);
    expect(other.role).toBe('viewer');
    other.requestControl();
    owner.grantControl(await asked.promise);
    await expect.poll(() => other.role).toBe('controller');
    await type(other, 'mine\r');
    await seen.until(/mine\nmine/);
    expect(owner.role).toBe('viewer');
    expect(roles.toSorted(([a, b], [c, d]) => `${a}${b}`.localeCompare(`${c}${d}`))).toEqual([
      ['other', 'controller'],
      ['other', 'viewer'],
      ['owner', 'viewer'],
    ]);
    other.close();
    await owner.wait();
  });

  it('lets a share look for life, until it is revoked', async () => {
    const device = new Device();
    const owner = await openTerminal(device.connect(), { ...size, argv: ['cat'] }, { reconnect: device.reconnect });
    const id = owner.session?.id ?? '';
    const ours = new Display(owner.output);
    const share = await shareSession(device.connect(), id, { ttlMs: 60_000 });
    const guest = await attachTerminal(device.connect({ userId: 'guest' }), { sessionId: id, secret: share.secret, role: 'controller' });
    expect(guest.role).toBe('spectator');
    guest.requestControl();
    const seen = new Display(guest.output);
    await type(owner, 'shared\r');
    await seen.until(/shared\nshared/);
    await unshareSession(device.connect(), id, { shareId: share.shareId });
    await expect(guest.wait()).rejects.toMatchObject({ code: 'ERR_RSTREAM_WEBTTY_LOST' });
    await expect(attachTerminal(device.connect(), { sessionId: id, secret: share.secret })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_SESSION_NOT_FOUND',
    });
    await type(owner, 'on\r');
    await ours.until(/on\non/);
    await endSession(device.connect(), id);
    expect(await owner.wait()).toMatchObject({ cancelled: true });
  });

  it('is found by who opened it, and by nobody else', async () => {
    const device = new Device();
    const owner = await openTerminal(
      device.connect({ userId: 'ann' }),
      { ...size, argv: ['cat'] },
      { reconnect: device.reconnect, label: 'mine' },
    );
    const id = owner.session?.id ?? '';
    expect(await listSessions(device.connect({ userId: 'ann' }))).toMatchObject([{ id, label: 'mine', terminal: true, running: true }]);
    expect(await listSessions(device.connect({ userId: 'bob' }))).toEqual([]);
    const refused = { code: 'ERR_RSTREAM_SESSION_NOT_FOUND' };
    const bob = { userId: 'bob' };
    await expect(attachTerminal(device.connect(bob), { sessionId: id })).rejects.toMatchObject(refused);
    await expect(attachTerminal(device.connect(bob), { sessionId: id, secret: 'AAAA' })).rejects.toMatchObject(refused);
    await expect(endSession(device.connect(bob), id)).rejects.toMatchObject(refused);
    await expect(shareSession(device.connect(bob), id)).rejects.toMatchObject(refused);
    owner.close();
    await owner.wait();
  });

  it('goes on after its viewer detached, for who attaches again', async () => {
    const device = new Device();
    const owner = await openTerminal(device.connect(), { ...size, argv: ['cat'] }, { reconnect: device.reconnect });
    const id = owner.session?.id ?? '';
    const before = new Display(owner.output);
    await type(owner, 'kept\r');
    await before.until(/kept\nkept/);
    owner.detach();
    await expect.poll(async () => (await listSessions(device.connect()))[0]?.viewers).toBe(0);
    const again = await attachTerminal(device.connect(), { sessionId: id, ...size }, { reconnect: device.reconnect });
    expect(again.role).toBe('controller');
    const seen = new Display(again.output);
    await seen.until(/kept\nkept/);
    await type(again, 'more\r');
    await seen.until(/more\nmore/);
    again.close();
    await again.wait();
  });
});

describe('the screen after a gap', () => {
  /** Draws on the other screen with colours, a hidden cursor and scrolling rows, floods it, and draws again. */
  const drawing = String.raw`stty raw -echo; printf '\033[?1049h\033[2J\033[3;10r\033[?25l\033[5;5H\033[31mred\033[0m'; printf drawn; read a;
    seq 1 200000; printf '\033[H\033[2J\033[7;7H\033[1mbold\033[0m at last'; read b`;

  it('is the same as that of a viewer that missed nothing', async () => {
    const device = new Device();
    const owner = await openTerminal(device.connect(), { ...size, argv: sh(drawing) }, { reconnect: device.reconnect });
    const through = new Display(owner.output);
    await through.until(/drawn/);
    const id = owner.session?.id ?? '';
    const early = await attachTerminal(device.connect(), { sessionId: id, role: 'viewer' });
    const earlySeen = new Display(early.output);
    await earlySeen.until(/drawn/);
    expect(earlySeen.text).toBe(through.text);
    expect(earlySeen.terminal.buffer.active.type).toBe('alternate');
    // It stops taking anything, and falls far behind what is kept.
    await type(owner, 'a\n');
    await through.until(/at last/);
    const late = await attachTerminal(device.connect(), { sessionId: id, role: 'viewer' }, { scrollback: 100 });
    const lateSeen = new Display(late.output);
    await lateSeen.until(/at last/);
    expect(lateSeen.text).toBe(through.text);
    await earlySeen.until(/at last/);
    expect(earlySeen.text).toBe(through.text);
    await type(owner, 'b\n');
    await Promise.all([owner.wait(), early.wait(), late.wait()]);
  });

  it('is right for a viewer that did not read for a while, without holding the others back', async () => {
    const device = new Device();
    const script = 'echo go; read a; seq 1 300000; echo over; read b';
    const owner = await openTerminal(device.connect(), { ...size, argv: sh(script) }, { reconnect: device.reconnect });
    const through = new Display(owner.output);
    await through.until(/go/);
    const slow = await attachTerminal(device.connect(), { sessionId: owner.session?.id ?? '', role: 'viewer' });
    const chunks = slow.output[Symbol.asyncIterator]();
    await chunks.next();
    await type(owner, 'a\r');
    await through.until(/over/);
    let bytes = 0;
    const seen = new Display({
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const { done, value } = await chunks.next();
          if (done === true) return;
          bytes += value.byteLength;
          yield value;
        }
      },
    });
    await seen.until(/300000\nover/);
    // It got a window of what it missed, then the screen.
    expect(bytes).toBeLessThan(2 * limits.webtty.terminalWindow.default + 200_000);
    await type(owner, 'b\r');
    await Promise.all([owner.wait(), slow.wait()]);
  });

  it('draws what was written while nobody was there', async () => {
    const device = new Device();
    const script = 'echo here; sleep 0.3; seq 1 400000; echo over; read b';
    const owner = await openTerminal(device.connect(), { ...size, argv: sh(script) }, { reconnect: device.reconnect });
    const id = owner.session?.id ?? '';
    await new Display(owner.output).until(/here/);
    owner.detach();
    await expect.poll(async () => (await listSessions(device.connect()))[0]?.stdoutBytes, { timeout: 10_000 }).toBeGreaterThan(3_000_000);
    const again = await attachTerminal(device.connect(), { sessionId: id, ...size }, { reconnect: device.reconnect, scrollback: 500 });
    const seen = new Display(again.output);
    await seen.until(/400000\nover/);
    expect(seen.terminal.buffer.active.length).toBeGreaterThan(400);
    again.close();
    await again.wait();
  });
});
