import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseHandle } from '../src/job/handle.ts';
import { textOfPieces } from '../src/job/text.ts';
import { Desk } from './support/desk.ts';
import { World } from './support/world.ts';

/** Real processes, several a test, on machines that have other things to do. */
vi.setConfig({ testTimeout: 60_000 });

let here: World;

beforeAll(async () => {
  here = await World.open();
  await here.device('dev', '--allow-terminal', '--publish', '--state-dir', here.path('state'));
  await here.device('private', '--allow-terminal');
}, 60_000);

afterAll(async () => {
  await here.close();
}, 30_000);

const webtty = (...args: string[]) => here.run(['webtty', ...args]);
const job = (verb: string, ...args: string[]) => webtty('job', verb, ...args);

async function json<Value = Record<string, unknown>>(args: readonly string[]): Promise<Value> {
  const { stdout, stderr } = await here.run(['webtty', ...args, '-o', 'json']);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Value;
}

async function started(...command: string[]): Promise<string> {
  const { stdout, stderr } = await job('start', '--url', 'rstrm://dev', '--', ...command);
  if (stdout === '') throw new Error(stderr);
  return stdout.trim();
}

/** A script that goes on when the returned function is called. */
function held(name: string, then: string): { readonly script: string; release(): void } {
  const path = here.path(name);
  return { script: `while [ ! -e ${path} ]; do sleep 0.05; done; ${then}`, release: () => writeFileSync(path, '') };
}

describe('webtty exec', () => {
  test.each([
    ['exit 0', ['--shell', 'exit 0'], 0],
    ['exit 1', ['--shell', 'exit 1'], 1],
    ['exit 255', ['--shell', 'exit 255'], 255],
    ['SIGTERM', ['--shell', 'kill -TERM $$'], 143],
    ['SIGKILL', ['--shell', 'kill -KILL $$'], 137],
    ['SIGSEGV', ['--shell', 'kill -SEGV $$'], 139],
    ['out of time', ['--timeout', '200ms', '--', 'sleep', '30'], 124],
    [
      'out of time, with TERM ignored',
      ['--timeout', '200ms', '--kill-grace', '100ms', '--shell', "trap '' TERM; sleep 30 & wait; sleep 30"],
      124,
    ],
    ['no such folder', ['-w', '/no/such/folder', '--', 'true'], 125],
    ['no such account', ['--user', 'nobody-here', '--', 'true'], 125],
    ['not executable', ['--', '/etc/passwd'], 126],
    ['not found', ['--', 'no-such-program'], 127],
  ])('exits as a shell would: %s', async (_, args, code) => {
    expect((await webtty('exec', '--url', 'rstrm://dev', '-T', '-I', ...args)).code).toBe(code);
  });

  test('sets, removes and clears variables', async () => {
    const environment = async (...flags: string[]): Promise<string> =>
      String((await json(['exec', '--url', 'rstrm://dev', ...flags, '--exec-path', '/', '--shell', 'env']))['stdout']);
    expect(await environment('-e', 'COLOR=blue')).toMatch(/^COLOR=blue$/m);
    expect(await environment('--unset-env', 'HOME')).not.toMatch(/^HOME=/m);
    const clean = await environment('--clean-env', '-e', 'COLOR=blue');
    expect(clean).toMatch(/^PATH=/m);
    expect(clean).toMatch(/^COLOR=blue$/m);
  });

  test('goes on over a new connection when the old one is lost, with every byte of output', async () => {
    const { script, release } = held('lost', 'seq 200000');
    const child = here.start(['webtty', 'exec', '--url', 'rstrm://dev', '-o', 'text', '--shell', `echo begin; ${script}`]);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    await once(child.stdout, 'data');
    here.cable.cut();
    release();
    here.cable.mend();
    expect((await once(child, 'close'))[0]).toBe(0);
    expect(stdout === `begin\n${Array.from({ length: 200_000 }, (_, at) => `${at + 1}\n`).join('')}`).toBe(true);
  });
});

describe('webtty job', () => {
  test('start prints a handle; the job runs on, and wait ends as it did', async () => {
    const { script, release } = held('one', 'echo done; exit 7');
    const handle = await started('sh', '-c', `echo begun; ${script}`);
    expect(handle).toMatch(/^rstrm:\/\/dev#[\w-]+$/);
    expect(await json(['job', 'show', handle])).toMatchObject({ handle, running: true, exit_code: null, ended_at: null });
    expect((await job('wait', handle, '--timeout', '100ms')).code).toBe(124);
    release();
    expect((await job('wait', handle)).code).toBe(7);
    expect(await json(['job', 'wait', handle])).toMatchObject({
      job_id: handle.split('#')[1],
      url: 'rstrm://dev',
      command: ['sh', '-c', expect.any(String) as string],
      running: false,
      exit_code: 7,
      stdout: 'begun\ndone\n',
      stderr: '',
      truncated: false,
      stdout_bytes: 11,
    });
    expect((await job('list', '--url', 'rstrm://dev')).stdout).toMatch(/STATE[\s\S]*exit 7 /);
  });

  test('logs are read piece by piece: offsets say where the next one begins', async () => {
    const { script, release } = held('pieces', 'echo " world"; echo warn >&2');
    const handle = await started('sh', '-c', `printf "hello é"; ${script}`);
    const first = await json(['job', 'logs', handle, '--max-bytes', '16', '--wait', '1s']);
    expect(first).toMatchObject({ stdout: 'hello é', next_stdout_offset: 8, next_stderr_offset: 0, running: true, complete: false });
    release();
    const second = await json(['job', 'logs', handle, '--stdout-offset', '8', '--wait', '20s']);
    expect(second).toMatchObject({ stdout: ' world\n', stderr: 'warn\n', stdout_offset: 8, next_stdout_offset: 15, complete: true });
    expect(await job('logs', handle, '--stdout-offset', '9', '--max-bytes', '16')).toMatchObject({
      code: 0,
      stdout: 'world\n',
      stderr: 'warn\n',
    });
  });

  test('logs --follow gives bytes as they are, to the end', async () => {
    const bytes = randomBytes(300_000);
    writeFileSync(here.path('bytes'), bytes);
    const { script, release } = held('follow', `cat ${here.path('bytes')}`);
    const handle = await started('sh', '-c', `echo x; ${script}`);
    const child = here.start(['webtty', 'job', 'logs', handle, '--follow']);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child.stdout, 'data');
    release();
    expect((await once(child, 'close'))[0]).toBe(0);
    expect(Buffer.concat(chunks).equals(Buffer.concat([Buffer.from('x\n'), bytes]))).toBe(true);
  });

  test('cancel ends it and its children, forget removes what is kept', async () => {
    const handle = (
      await webtty('exec', '--url', 'rstrm://dev', '--detach', '--label', 'idle', '-o', 'text', '--', 'sleep', '600')
    ).stdout.trim();
    expect(await json(['job', 'cancel', handle])).toMatchObject({ running: false, cancelled: true, label: 'idle' });
    expect((await job('wait', handle)).code).toBe(130);
    expect((await job('forget', '--url', 'rstrm://dev', handle.split('#')[1] ?? '')).code).toBe(0);
    const { code, stderr } = await job('show', handle, '-o', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'ERR_RSTREAM_SESSION_NOT_FOUND' });
  });

  test('a program that is not there is an error at the start', async () => {
    expect((await job('start', '--url', 'rstrm://dev', '--', 'no-such-program')).code).toBe(127);
    expect((await job('wait', 'rstrm://dev#none')).code).toBe(125);
    expect((await job('show', 'none')).code).toBe(2);
  });
});

describe.skipIf(process.platform !== 'linux')('webtty sessions share', () => {
  interface Share {
    readonly link: string;
    readonly share_id: string;
  }

  const status = (link: URL, path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const request = { host: '127.0.0.1', port: here.ready.engine.split(':')[1], headers: { host: link.host }, path };
      get(request, (response) => resolve(response.resume().statusCode)).on('error', reject);
    });

  test('gives a link to one terminal that opens nothing else, until it is taken back', async () => {
    const desk = new Desk(here, ['webtty', 'client', 'rstrm://dev', '--', 'sh', '-c', 'echo ready; cat']);
    await desk.shows(/ready\r/);
    const list = await json<{ session_id: string; kind: string; running: boolean }[]>(['sessions', 'list', '--url', 'rstrm://dev']);
    const id = list.find(({ kind, running }) => kind === 'terminal' && running)?.session_id ?? '';
    const session = ['--url', 'rstrm://dev', '--session', id];
    const share = await json<Share>(['sessions', 'share', ...session, '--ttl', '5m']);
    const link = new URL(share.link);
    expect(link.pathname).toBe(`/share/${share.share_id}/`);
    expect(link.hash.length).toBeGreaterThan(32);
    expect([200, 302, 303]).toContain(await status(link, `${link.pathname}${link.search}`));
    expect(await status(link, `/${link.search}`)).toBeGreaterThanOrEqual(400);
    expect(await status(link, `/share/other/${link.search}`)).toBeGreaterThanOrEqual(400);
    expect((await webtty('sessions', 'unshare', ...session)).code).toBe(0);
    expect(await json(['sessions', 'list', '--url', 'rstrm://dev'])).toContainEqual(expect.objectContaining({ session_id: id, shares: 0 }));
    expect((await webtty('sessions', 'end', ...session)).code).toBe(0);
    expect(await desk.ends()).toBeGreaterThan(0);
    desk.leave();
  });

  test('a device without a public address says so', async () => {
    const { code, stderr } = await webtty('sessions', 'share', '--url', 'rstrm://private', '--session', 'x', '-o', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'ERR_RSTREAM_DEVICE_NOT_PUBLISHED' });
  });
});

test('a handle has the device in it, or beside it', () => {
  expect(parseHandle('rstrm://pi#ses_1', undefined)).toEqual({ url: 'rstrm://pi', id: 'ses_1' });
  expect(parseHandle('pi#ses_1', undefined)).toEqual({ url: 'rstrm://pi', id: 'ses_1' });
  expect(parseHandle('ses_1', 'rstrm://pi/x')).toEqual({ url: 'rstrm://pi/x', id: 'ses_1' });
  for (const text of ['ses_1', '#ses_1', 'rstrm://pi', '', undefined]) expect(() => parseHandle(text, undefined)).toThrow('Say which job');
});

test('pieces end between characters, except the last one', () => {
  const text = Buffer.from('aé日🌍');
  for (let end = 0; end <= text.byteLength; end += 1) {
    const piece = textOfPieces(text.subarray(0, end), Buffer.alloc(0), false);
    expect(piece.encoding).toBe('utf8');
    expect('aé日🌍'.startsWith(piece.stdout)).toBe(true);
    expect(end - piece.stdoutBytes).toBeLessThan(4);
  }
  expect(textOfPieces(text.subarray(0, 2), Buffer.alloc(0), true)).toMatchObject({ encoding: 'base64', stdoutBytes: 2 });
  expect(textOfPieces(Buffer.from([0xff, 0x41]), Buffer.from('x'), false)).toMatchObject({
    encoding: 'base64',
    stdout: '/0E=',
    stderr: 'eA==',
  });
});
