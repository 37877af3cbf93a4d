import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '@rstream/protocol';
import { ProcessWorld } from '@rstream/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PythonPeer, type Json } from '../src/webtty/python-peer.ts';

/* A client that speaks only the published messages, and has nothing of this project in it, at a real device behind a real relay. */

type Carrier = 'plain' | 'websocket';
let world: ProcessWorld;
let address: string;
let token: string;
const peers: PythonPeer[] = [];

function keep(peer: PythonPeer): PythonPeer {
  peers.push(peer);
  return peer;
}

/** `plain` is a private dial; `websocket` the address that the device publishes. */
function connectBy(carrier: Carrier): PythonPeer {
  if (carrier === 'websocket') return webSocket(token);
  const { command, args } = world.commandLine('rstream', ['netcat', 'rstrm://device']);
  return keep(new PythonPeer(['plain', command, ...args], world.env));
}

function webSocket(secret: string): PythonPeer {
  const url = new URL(address);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('rstream.token', secret);
  return keep(new PythonPeer(['websocket', url.href, `127.0.0.1:${world.port}`]));
}

interface OpenParts {
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  readonly options?: Json;
}

function open(argv: readonly string[], { env = {}, workdir, options = {} }: OpenParts = {}): Json {
  const envVars = Object.entries(env).map(([key, value]) => ({ key, value }));
  return { open: { config: { options, cmdArgs: argv, envVars, ...(workdir === undefined ? {} : { workdir: { value: workdir } }) } } };
}
const sh = (script: string, parts?: OpenParts): Json => open(['sh', '-c', script], parts);
const piped: OpenParts = { options: { interactive: true } };
const onTerminal: OpenParts = { options: { interactive: true, allocateTty: true } };
const input = (text: string): Json => ({ data: { data: Buffer.from(text).toString('base64') } });
const endOfInput: Json = { data: { eos: {} } };
const size = (row: number, col: number): Json => ({ parameter: { terminalSize: { row, col } } });

/** Messages as one word each, so that an order can be read. */
const outline = (messages: readonly Json[]): string[] =>
  messages.map((message) => {
    const [kind = ''] = Object.keys(message);
    const { type, eos } = (message['data'] ?? {}) as { type?: number; eos?: object };
    return kind === 'data' ? `${eos === undefined ? 'data' : 'eos'}${type ?? 0}` : kind;
  });

/** True when the process has ended; waits for it. An orphan may stay behind as a zombie for as long as the machine's init takes. */
async function gone(pid: number): Promise<true> {
  const deadline = Date.now() + 10_000;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} lives: ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`);
    // Nothing tells about the end of somebody else's child.
    await delay(20);
  }
  return true;
}
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
const pidIn = (peer: PythonPeer): Promise<number> =>
  peer.until(() => {
    const found = /pid (\d+)\b/.exec(peer.text());
    return found === null ? undefined : Number(found[1]);
  });

beforeAll(async () => {
  world = await ProcessWorld.start();
  const device = await world.startDevice('device', ['--allow-terminal', '--publish']);
  address = await device.until(({ stdout, stderr }) => /https?:\/\/\S+\.t\.[^\s"]+/.exec(stdout + stderr)?.[0]);
  token = readFileSync(world.ready.ownerTokenFile, 'utf8').trim();
});
afterEach(async () => {
  const unknown = peers.flatMap(({ said }) => said.filter((one) => one.unknown === true));
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
  if (unknown.length > 0) throw new Error(`a peer that announced nothing of ours got something of ours: ${JSON.stringify(unknown)}`);
});
afterAll(() => world.close());

describe.each<Carrier>(['plain', 'websocket'])('a published client over %s', (carrier) => {
  const connect = (): PythonPeer => connectBy(carrier);
  async function run(...messages: readonly Json[]): Promise<PythonPeer> {
    const peer = connect().send(...messages);
    await peer.ended();
    return peer;
  }

  describe('that runs a command', () => {
    it('gets both streams and the exit code, the ack before all and the ends before the close', async () => {
      const peer = await run(sh('echo out; echo err >&2; exit 7'));
      expect(peer.text(1)).toBe('out\n');
      expect(peer.text(2)).toBe('err\n');
      const order = outline(peer.messages);
      expect(order[0]).toBe('ack');
      expect(order.at(-1)).toBe('close');
      expect(order.toSorted()).toEqual(['ack', 'close', 'data1', 'data2', 'eos1', 'eos2']);
      for (const type of [1, 2]) expect(order.indexOf(`data${type}`)).toBeLessThan(order.indexOf(`eos${type}`));
      expect(peer.messages.at(-1)).toEqual({ close: { returnCode: 7 } });
    });

    it.each([
      ['0', 'true', {}],
      ['1', 'false', { returnCode: 1 }],
      ['255', 'exit 255', { returnCode: 255 }],
      ['-1 for TERM', 'kill -TERM $$', { returnCode: -1 }],
      ['-1 for KILL', 'kill -KILL $$', { returnCode: -1 }],
    ])('sees the return code %s', async (_code, script, close) => {
      const peer = await run(sh(script));
      expect(await peer.kind('close')).toEqual(close);
    });

    it('sets the environment and the working directory', async () => {
      const peer = await run(sh('echo "$GREETING"; pwd', { env: { GREETING: 'hallo, 世界' }, workdir: '/usr' }));
      expect(peer.text()).toBe('hallo, 世界\n/usr\n');
    });

    it('passes argv as it is: no shell looks at it', async () => {
      const peer = await run(open(['printf', '%s|', '$HOME', '*', '', "it's"]));
      expect(peer.text()).toBe("$HOME|*||it's|");
    });

    it('gives stdin and its end', async () => {
      const peer = await run(open(['sort'], piped), input('b\na\n'), input('c\n'), endOfInput);
      expect(peer.text()).toBe('a\nb\nc\n');
    });

    it('has what it sends after the end of stdin dropped', async () => {
      const peer = await run(open(['cat'], piped), input('kept'), endOfInput, input('dropped'));
      expect(peer.text()).toBe('kept');
      expect(await peer.kind('close')).toEqual({});
    });

    it('gets every byte of a long output, in messages within the limit', async () => {
      const peer = await run(open(['seq', '1', '1000000']));
      expect(createHash('sha256').update(peer.text()).digest('hex')).toBe(
        createHash('sha256')
          .update(Array.from({ length: 1_000_000 }, (_, index) => `${index + 1}\n`).join(''))
          .digest('hex'),
      );
    });

    it('is told in words that the program is not there, and nothing is closed that was not open', async () => {
      const peer = await run(open(['no-such-program']));
      expect(outline(peer.messages)).toEqual(['error']);
      expect((await peer.kind('error'))['msg']).toMatch(/no-such-program/);
    });

    it('is refused a second open: one connection runs one command', async () => {
      const peer = connect().send(sh('echo "pid $$"; exec sleep 60'));
      const pid = await pidIn(peer);
      peer.send(open(['true']));
      expect((await peer.kind('error'))['msg']).toMatch(/already started/);
      await peer.ended();
      expect(await gone(pid)).toBe(true);
    });

    it('takes the command along when it sends an error', async () => {
      const peer = connect().send(sh('echo "pid $$"; exec sleep 60'));
      const pid = await pidIn(peer);
      peer.send({ error: { msg: 'enough' } });
      expect(await gone(pid)).toBe(true);
      expect(outline(await peer.ended())).not.toContain('error');
    });

    it('takes the command and its children along when its connection is cut', async () => {
      const peer = connect().send(sh('sleep 60 & echo "child $!"; echo "pid $$"; wait'));
      const pid = await pidIn(peer);
      const child = Number(/child (\d+)/.exec(peer.text())?.[1]);
      peer.tell({ cut: true });
      expect(await Promise.all([gone(pid), gone(child)])).toEqual([true, true]);
    });

    it('gets heartbeats when it asks for them, may send its own, and gets none otherwise', async () => {
      const deaf = connect().send(sh('sleep 7'));
      const peer = connect().send({ heartbeat: {} }, open(['sleep', '7'], { options: { sendHeartbeat: true } }), { heartbeat: {} });
      const order = outline(await peer.ended());
      expect([order.slice(0, 2), order.slice(2, 4).toSorted(), order.slice(4)]).toEqual([
        ['ack', 'heartbeat'],
        ['eos1', 'eos2'],
        ['close'],
      ]);
      expect(outline(await deaf.ended())).not.toContain('heartbeat');
    });
  });

  describe('with a terminal', () => {
    it('gets one: its type, its size, and the size that it changes to', async () => {
      const peer = connect().send(
        sh('test -t 0 && echo "$TERM"; trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.05; done', {
          ...onTerminal,
          env: { TERM: 'vt220' },
        }),
      );
      await peer.untilText('ready');
      peer.send(size(33, 101));
      expect(outline(await peer.ended()).slice(-2)).toEqual(['eos1', 'close']);
      expect(peer.text()).toMatch(/^vt220\r\n.*33 101\r\n$/s);
      expect(await peer.kind('close')).toEqual({ returnCode: 3 });
    });

    it('ends a shell with Ctrl-D, not with the end of stdin', async () => {
      const peer = connect().send(open(['sh'], onTerminal), input("PS1='pro''mpt> '\r"));
      await peer.untilText('prompt> ');
      peer.send(endOfInput, input('echo still-$((40 + 2))\r'));
      await peer.untilText('still-42\r\n');
      peer.send(input('\x04'));
      expect(outline(await peer.ended())).not.toContain('data2');
      expect(await peer.kind('close')).toEqual({});
    });

    it('interrupts with Ctrl-C what runs in the foreground', async () => {
      const peer = connect().send(open(['sh'], onTerminal), input("PS1='pro''mpt> '\r"));
      await peer.untilText('prompt> ');
      // The word comes from the program that is to be interrupted: by then it is in the foreground.
      peer.send(input(`sh -c 'echo run""ning; exec sleep 60'; echo "code $?"\r`));
      await peer.untilText('running');
      peer.send(input('\x03'));
      await peer.untilText(/\^C\r\n(.*\r\n)?prompt> $|code 130/s);
      peer.send(input('exit 4\r'));
      await peer.ended();
      expect(await peer.kind('close')).toEqual({ returnCode: 4 });
    });

    it('loses no byte at the exit', async () => {
      const peer = await run(sh('stty raw; seq 1 20000', onTerminal));
      expect(peer.text()).toBe(`${Array.from({ length: 20_000 }, (_, index) => index + 1).join('\n')}\n`);
    });

    it('takes the shell along when its connection is cut', async () => {
      const peer = connect().send(sh('echo "pid $$"; exec sleep 60', onTerminal));
      const pid = await pidIn(peer);
      peer.tell({ cut: true });
      expect(await gone(pid)).toBe(true);
    });
  });

  describe('that does what it must not', () => {
    it('is told that sessions are attached at the engine', async () => {
      const peer = await run({ attach: { sessionId: 's', participantId: 'p', requestedRole: 1, transport: 1, capabilities: [1] } });
      expect(peer.messages).toEqual([{ error: { msg: expect.stringMatching(/attached at the engine/) as string } }]);
    });

    it('is refused end-to-end encryption, which this device does not offer', async () => {
      const peer = await run({ open: { config: { cmdArgs: ['true'] }, capabilities: [1, 2], sessionKeyGrant: { payloadSuite: 1 } } });
      expect(outline(peer.messages)).toEqual(['error']);
    });

    it('loses its session for output, for a message over 1 MiB and for bytes that are no message', async () => {
      const over = Buffer.alloc(limits.webtty.messageBytes.default + 1).toString('hex');
      for (const wrong of [{ send: { data: { type: 1, data: '' } } }, { body: over }, { body: 'ffffff' }]) {
        const peer = connect().send(sh('echo "pid $$"; exec sleep 60'));
        const pid = await pidIn(peer);
        peer.tell(wrong);
        expect(await gone(pid)).toBe(true);
        expect(outline(await peer.ended())).not.toContain('close');
      }
    });

    it('may send a message of exactly 1 MiB', async () => {
      const most = limits.webtty.messageBytes.default;
      // Two heads of a tag and three bytes of length.
      const text = 'x'.repeat(most - 8);
      const peer = await run(open(['wc', '-c'], piped), input(text), endOfInput);
      expect(peer.text().trim()).toBe(String(most - 8));
    });

    it('may send kinds of a newer protocol', async () => {
      const peer = connect().send(open(['cat'], piped));
      // A message of kind 40.
      peer.tell({ body: 'c202020801' });
      peer.send(input('x'), endOfInput);
      await peer.ended();
      expect(peer.text()).toBe('x');
    });
  });
});

describe('a WebSocket of a published client', () => {
  it('is closed with 1000 when the command has ended', async () => {
    const peer = webSocket(token).send(open(['true']));
    expect(await peer.until((said) => said.find(({ closed }) => closed !== undefined)?.closed)).toEqual({ code: 1000, reason: 'finished' });
  });

  it('ends with a text frame, and the command with it', async () => {
    const peer = webSocket(token).send(sh('echo "pid $$"; exec sleep 60'));
    const pid = await pidIn(peer);
    peer.tell({ text: 'hello' });
    expect(await gone(pid)).toBe(true);
    expect(await peer.until((said) => said.find(({ end }) => end !== undefined))).toBeDefined();
  });

  it('is not opened without a token that may', async () => {
    const peer = webSocket('nonsense').send(open(['true']));
    expect(await peer.until((said) => said.find(({ end }) => end !== undefined)?.end)).toMatch(/HTTP 40[13]/);
  });
});
