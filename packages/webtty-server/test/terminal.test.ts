import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '@rstream/protocol';
import { DataType, FailureReason, type Message } from '@rstream/protocol/webtty';

import { EndMarker } from '../src/terminal/end-marker.ts';
import { openOf, serve, type OpenParts, type RawClient, type Served, type TestOptions } from './raw-client.ts';

const full = process.env['RSTREAM_TEST_SOAK'] === '1';
const scratch = mkdtempSync(join(tmpdir(), 'rstream-terminal-'));
const sh = (script: string): string[] => ['sh', '-c', script];
const tty = { interactive: true, allocateTty: true, sendHeartbeat: false };

type Known = Exclude<Message, { kind: 'unknown' }>;
interface TerminalParts extends OpenParts {
  /** False: a client of ours without output credit. */
  readonly credit?: boolean;
}

function openTerminal(argv: readonly string[], { credit = true, ...parts }: TerminalParts = {}): Known {
  const open = openOf(argv, { options: tty, ...parts });
  if (open.kind !== 'open' || parts.published === true || !credit) return open;
  return { ...open, capabilities: [1000, 1001] };
}

function serveTerminal(argv: readonly string[], parts: TerminalParts = {}, options: TestOptions = {}): Served {
  const served = serve({ policy: { terminal: true }, ...options });
  served.client.send(openTerminal(argv, parts));
  return served;
}

const input = (text: string): Known => ({ kind: 'data', type: DataType.STDIN, data: Buffer.from(text) });
const resize = (row: number, col: number): Known => ({ kind: 'parameter', terminalSize: { row, col, xpixel: 0, ypixel: 0 } });
const untilText = (client: RawClient, text: string | RegExp): Promise<Message> => client.until(() => client.text().search(text) !== -1);

/** Acknowledges what arrives, at the pace of `pace`. */
function acknowledge(client: RawClient, pace: (bytes: number) => Promise<unknown> | undefined = () => undefined): void {
  let at = 0;
  const step = async (): Promise<void> => {
    for (;;) {
      let message = client.received[at];
      if (message === undefined) message = await client.until(() => client.received.length > at).then(() => client.received[at]);
      at += 1;
      if (message?.kind === 'close') return;
      if (message?.kind !== 'data' || message.data === undefined) continue;
      await pace(message.data.byteLength);
      client.send({ kind: 'outputCredit', bytes: message.data.byteLength });
    }
  };
  step().catch(() => undefined);
}

describe('a terminal', () => {
  it('is one for the program, with the type and the size of the viewer, and follows it', async () => {
    const script =
      'test -t 0 && test -t 1 && test -t 2 && echo "$TERM $(stty size)"; trap "stty size; exit 7" WINCH; echo ready; while :; do sleep 0.02; done';
    const { client, record } = serveTerminal(sh(script), {
      envVars: [{ key: 'TERM', value: 'vt220' }],
      terminalSize: { row: 31, col: 97, xpixel: 0, ypixel: 0 },
    });
    await untilText(client, 'ready');
    expect(client.text()).toContain('vt220 31 97');
    client.send(resize(50, 132));
    expect(await client.kind('close')).toMatchObject({ returnCode: 7, report: { stdoutBytes: client.bytes(1).byteLength } });
    expect(client.text()).toContain('50 132');
    expect(await record).toMatchObject({ terminal: true, exit_code: 7, ended_by: 'exit' });
  });

  it('runs the login shell when no command is named', async () => {
    const { client, record } = serveTerminal([], {}, { account: { home: '/', user: 'u', uid: 1, shell: '/bin/sh' } });
    await client.kind('ack');
    client.send(input('stty size; pwd; exit 5\r'));
    expect(await client.kind('close')).toMatchObject({ returnCode: 5 });
    expect(client.text()).toMatch(/24 80\r\n\/\r\n/);
    expect(await record).toMatchObject({ terminal: true, command: '"/bin/sh" "-l"' });
  });

  it('serves a published client, which gets nothing from our extension', async () => {
    const { client } = serveTerminal(sh('read word; stty size; echo "got $word"; exit 3'), { published: true });
    expect(await client.kind('ack')).toEqual({ kind: 'ack', capabilities: [], stdinWindow: 0 });
    client.send(resize(40, 100), { kind: 'data', type: DataType.STDIN, eos: true }, { kind: 'heartbeat' }, input('hi\r'));
    expect(await client.kind('close')).toEqual({ kind: 'close', returnCode: 3 });
    expect(client.text()).toContain('40 100\r\ngot hi\r\n');
    expect(client.received.filter((message) => message.kind === 'data' && message.eos === true)).toHaveLength(1);
    expect(client.received.some((message) => message.kind === 'stdinCredit')).toBe(false);
  });

  it('passes wide characters through both ways, however they are cut', async () => {
    const words = '日本語🌍ünï';
    const { client } = serveTerminal(sh(`stty raw -echo; echo ready; head -c ${Buffer.byteLength(words) * 2_000}`));
    acknowledge(client);
    await untilText(client, 'ready');
    const bytes = Buffer.from(words.repeat(2_000));
    for (let at = 0; at < bytes.byteLength; at += 997) {
      client.send({ kind: 'data', type: DataType.STDIN, data: bytes.subarray(at, at + 997) });
    }
    await client.kind('close');
    expect(client.text().endsWith(words.repeat(2_000))).toBe(true);
  });

  it('ends with its program, also when a child keeps the terminal', async () => {
    const start = performance.now();
    const { client } = serveTerminal(sh('sleep 30 & echo done'));
    await client.kind('close');
    expect(client.text()).toBe('done\r\n');
    expect(performance.now() - start).toBeLessThan(limits.webtty.terminalDrain.default);
  });

  it('ends with its viewer: HUP, then KILL', async () => {
    const { client, record } = serveTerminal(sh('trap "" HUP TERM; echo "pid $$"; while :; do sleep 1; done'), {
      exec: { killGraceMs: 100 },
    });
    await untilText(client, /pid \d+\r/);
    const pid = Number(/pid (\d+)/.exec(client.text())?.[1]);
    client.stream.destroy();
    expect(await record).toMatchObject({ ended_by: 'disconnect', signal: 'SIGKILL' });
    expect(() => readFileSync(`/proc/${pid}/stat`)).toThrow('ENOENT');
  });
});

describe('the policy', () => {
  it('gives no terminal unless it says so', async () => {
    const { client } = serveTerminal(['true'], {}, { policy: {} });
    expect(await client.kind('error')).toMatchObject({ reason: FailureReason.UNSUPPORTED });
  });

  it('gives the login shell only when a list of commands has it', async () => {
    const account = { home: '/', user: 'u', uid: 1, shell: '/bin/sh' };
    const refused = serveTerminal([], {}, { account, policy: { terminal: true, allow: [['true']] } });
    expect(await refused.client.kind('error')).toMatchObject({ reason: FailureReason.DENIED });
    const listed = serveTerminal([], {}, { account, policy: { terminal: true, allow: [['sh']] } });
    await listed.client.kind('ack');
    listed.client.send(input('exit\r'));
    expect(await listed.client.kind('close')).toMatchObject({ returnCode: 0 });
  });

  it('refuses a terminal type that is no name', async () => {
    const { client } = serveTerminal(['true'], { envVars: [{ key: 'TERM', value: '../../tmp/evil' }] });
    expect(await client.kind('error')).toMatchObject({ reason: FailureReason.INVALID });
  });
});

describe('flow control', () => {
  it('stops at the window of a viewer that acknowledges nothing, and goes on with what it acknowledges', async () => {
    const window = limits.webtty.terminalWindow.default;
    const { client, record } = serveTerminal(['yes']);
    expect(await client.kind('ack')).toMatchObject({ capabilities: [1000, 1001], outputWindow: window });
    await client.until(() => client.bytes(1).byteLength >= window);
    await delay(100);
    expect(client.bytes(1).byteLength).toBe(window);
    client.send({ kind: 'outputCredit', bytes: 50_000 });
    await client.until(() => client.bytes(1).byteLength >= window + 50_000);
    expect(client.bytes(1).byteLength).toBe(window + 50_000);
    client.send({ kind: 'outputCredit', bytes: window + 1 });
    expect(await client.kind('error')).toMatchObject({ msg: expect.stringContaining('acknowledged more') as string });
    expect(await record).toMatchObject({ ended_by: 'protocol' });
  });

  it('lets Ctrl-C through a flood with a viewer of 1 MB/s, and little comes after it', async () => {
    const { client, record } = serveTerminal(['yes']);
    let consumed = 0;
    acknowledge(client, async (bytes) => {
      await delay(bytes / 1_000);
      consumed += bytes;
    });
    await client.until(() => consumed > 400_000);
    const before = consumed;
    client.send(input('\x03'));
    await client.kind('close');
    expect(await record).toMatchObject({ signal: 'SIGINT', ended_by: 'exit' });
    // The window, what the kernel held, and nothing else: 130 ms at this pace.
    expect(client.bytes(1).byteLength - before).toBeLessThan(limits.webtty.terminalWindow.default + 65_536);
  });

  it('takes signals and sizes while the program reads none of its input', async () => {
    const { client } = serveTerminal(sh('stty raw; trap "exit 9" USR1; echo ready; while :; do sleep 0.02; done'));
    acknowledge(client);
    await untilText(client, 'ready');
    client.send(input('x'.repeat(60_000)), input('y'.repeat(60_000)), resize(10, 10));
    client.send({ kind: 'signal', name: 'SIGUSR1', cancel: false });
    expect(await client.kind('close')).toMatchObject({ returnCode: 9 });
  });
});

it('children inherit no terminal and no descriptor of another session', async () => {
  const other = serveTerminal(sh('tty; ls -l /proc/self/fd; echo ready; sleep 30'));
  await untilText(other.client, 'ready');
  const device = /^\/dev\/pts\/\d+/.exec(other.client.text())?.[0] ?? 'none';
  const later = serveTerminal(sh('ls -l /proc/self/fd'));
  const command = serve();
  command.client.send(openOf(sh('ls -l /proc/self/fd')));
  await Promise.all([later.client.kind('close'), command.client.kind('close')]);
  for (const client of [other.client, later.client, command.client]) {
    expect(client.text()).toContain(' -> ');
    expect(client.text()).not.toContain('ptmx');
  }
  expect(later.client.text()).not.toContain(`${device}\r`);
  expect(command.client.text()).not.toContain('/dev/pts/');
  expect(command.client.text().match(/socket:/g)).toHaveLength(2);
  other.client.stream.destroy();
  await other.record;
});

describe('output at exit', () => {
  const sizes = [20_000, 64_000, 300_000];
  const runs = full ? 500 : 10;
  const file = (bytes: number): string => {
    const path = join(scratch, String(bytes));
    writeFileSync(path, Buffer.alloc(bytes, '0123456789abcdef\n'));
    return path;
  };
  const viewers: Readonly<Record<string, () => (bytes: number) => Promise<unknown> | undefined>> = {
    fast: () => () => undefined,
    slow: () => () => delay(2),
    paused: () => {
      let first = true;
      return () => {
        if (!first) return undefined;
        first = false;
        return delay(300);
      };
    },
  };
  const cases = sizes.flatMap((bytes) => Object.entries(viewers).map(([name, pace]) => ({ bytes, name, pace })));

  it.each(cases)(
    `of $bytes bytes reaches a $name viewer whole, ${runs} times`,
    async ({ bytes, pace }) => {
      const path = file(bytes);
      const expected = readFileSync(path);
      let truncated = 0;
      const one = async (credit: boolean): Promise<void> => {
        const { client } = serveTerminal(sh(`stty raw; head -c ${bytes} ${path}`), { credit });
        if (credit) acknowledge(client, pace());
        else void hesitate(client, pace());
        await client.kind('close');
        if (!client.bytes(1).equals(expected)) truncated += 1;
      };
      // Every other viewer is one without credit, which only reads at its pace.
      for (let done = 0; done < runs; done += 5) await Promise.all([0, 1, 2, 3, 4].map((at) => one(at % 2 === 0)));
      expect(truncated).toBe(0);
    },
    full ? 600_000 : 30_000,
  );
});

/** Reads at a pace, as a client without credit can only do. */
async function hesitate({ stream }: RawClient, pace: (bytes: number) => Promise<unknown> | undefined): Promise<void> {
  stream.on('data', (chunk: Uint8Array) => {
    const wait = pace(chunk.byteLength);
    if (wait === undefined) return;
    stream.pause();
    void wait.then(() => stream.resume());
  });
}

it('the end marker is found and taken out however the output is cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      fc.integer({ min: 0, max: 31 }),
      (text, cuts, lead) => {
        const marker = new EndMarker();
        const output = Buffer.concat([Buffer.from(text), marker.word.subarray(0, lead)]);
        let rest = Buffer.concat([output, marker.word, Buffer.from('after')]);
        const seen: Buffer[] = [];
        for (const cut of [...cuts, rest.byteLength]) {
          const taken = marker.take(rest.subarray(0, cut));
          rest = rest.subarray(cut);
          seen.push(taken.output);
          if (taken.found) break;
        }
        expect(Buffer.concat(seen).equals(output)).toBe(true);
      },
    ),
  );
});
