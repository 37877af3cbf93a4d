import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { createServer as createHttp, get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ready } from '@rstream/protocol/control';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workstation } from './support/run.ts';

/** The real hosted process and a real device, reached by the real command line. */
const here = new Workstation();
const children: ChildProcess[] = [];
let ready: Ready;

function launch(app: string, args: readonly string[]): void {
  const bin = resolve(import.meta.dirname, `../../${app}/src/bin.ts`);
  children.push(spawn(process.execPath, ['--conditions=@rstream/source', bin, ...args], { env: here.env, stdio: 'ignore' }));
}

/** The ready files are written as a whole, so one that exists can be read. */
async function file(path: string): Promise<void> {
  while (!existsSync(path)) await pause(25);
}

beforeAll(async () => {
  const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--data-dir', here.path('hosted')];
  launch('hosted', ['serve', ...listen]);
  await file(here.path('hosted/ready.json'));
  ready = JSON.parse(readFileSync(here.path('hosted/ready.json'), 'utf8')) as Ready;
  const create = ['context', 'create', 'home', '--engine', ready.engine, '--token-file', ready.ownerTokenFile, '--no-api-url'];
  const { code, stderr } = await here.run(create);
  if (code !== 0) throw new Error(stderr);
  launch('agent', [
    'run',
    '--engine',
    ready.engine,
    '--token-file',
    ready.ownerTokenFile,
    '--name',
    'dev',
    '--label',
    'site=lab',
    '--ready-file',
    here.path('agent'),
  ]);
  await file(here.path('agent'));
}, 60_000);

afterAll(async () => {
  const ends = children.map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ends);
  here.remove();
}, 30_000);

const execOn = (device: string, ...args: string[]) => here.run(['webtty', 'exec', '--url', device, ...args]);
const exec = (...args: string[]) => execOn('rstrm://dev', ...args);

/** Starts a forward and resolves with its public or private address once it is online. */
async function forward(...args: string[]) {
  const child = here.start(['forward', '-o', 'json', ...args]);
  for await (const line of createInterface({ input: child.stdout })) {
    const status = JSON.parse(line) as { status?: string; forwarding?: string; tunnel_id?: string };
    if (status.status === 'online') return { child, forwarding: status.forwarding ?? '' };
  }
  throw new Error('the forward ended');
}

async function interrupt(child: ChildProcess): Promise<number | null> {
  const end = once(child, 'close') as Promise<[number | null]>;
  child.stdout?.resume();
  child.kill('SIGINT');
  return (await end)[0];
}

test('lists devices, tunnels and clients', async () => {
  const servers = JSON.parse((await here.run(['webtty', 'list', '--filter', 'labels.site=lab', '-o', 'json'])).stdout) as unknown[];
  expect(servers).toEqual([
    expect.objectContaining({ target: 'dev', rstream_url: 'rstrm://dev', status: 'online', labels: { site: 'lab' } }),
  ]);
  expect(JSON.parse((await here.run(['webtty', 'list', '--filter', 'nothing', '-o', 'json'])).stdout)).toEqual([]);
  expect((await here.run(['tunnel', 'list', '--name', 'dev'])).stdout).toMatch(/dev\s+online\s+rstrm:\/\/dev/);
  expect((await here.run(['client', 'list'])).stdout).toContain('rstream-agent');
});

test('exec prints one JSON result and exits as the command did', async () => {
  const { code, stdout } = await exec('--', 'sh', '-c', 'echo out; echo err >&2; exit 3');
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    url: 'rstrm://dev',
    command: ['sh', '-c', 'echo out; echo err >&2; exit 3'],
    exit_code: 3,
    signal: null,
    stdout: 'out\n',
    stderr: 'err\n',
    truncated: false,
  });
});

test.each([
  ['a signal', ['--', 'sh', '-c', 'kill -9 $$'], 137],
  ['its time was up', ['--timeout', '300ms', '--', 'sleep', '30'], 124],
  ['it is not found', ['--', 'no-such-program'], 127],
  ['it is not executable', ['--', '/etc/passwd'], 126],
])('exec exits for a script to tell: %s', async (_, args, code) => {
  expect((await exec(...args)).code).toBe(code);
});

test('exec on a device that nobody knows exits 125', async () => {
  expect((await execOn('rstrm://nobody', '--', 'true')).code).toBe(125);
});

test('exec -o text keeps streams apart and bytes as they are, both ways', async () => {
  const input = randomBytes(3_000_000);
  writeFileSync(here.path('input'), input);
  const child = here.start(['webtty', 'exec', '--url', 'rstrm://dev', '-i', '-o', 'text', '--', 'sh', '-c', 'echo note >&2; cat']);
  createReadStream(here.path('input')).pipe(child.stdin);
  const hash = createHash('sha256');
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, stderr, hash: hash.digest('hex') }).toEqual({
    code: 0,
    stderr: 'note\n',
    hash: createHash('sha256').update(input).digest('hex'),
  });
});

test('exec --max-output keeps head and tail and counts all', async () => {
  const { stdout } = await exec('--max-output', '1000', '--', 'seq', '100000');
  const result = JSON.parse(stdout) as { stdout: string; stdout_bytes: number; stdout_truncated: boolean };
  expect(result).toMatchObject({ stdout_bytes: 588_895, stdout_truncated: true });
  expect(result.stdout.length).toBeLessThan(1_200);
  expect(result.stdout).toMatch(/^1\n2\n[\s\S]*100000\n$/);
});

test('Ctrl-C during exec ends the command on the device and exits 130', async () => {
  const marker = here.path('running');
  const child = here.start([
    'webtty',
    'exec',
    '--url',
    'rstrm://dev',
    '--',
    'sh',
    '-c',
    `trap 'rm ${marker}; exit' TERM; touch ${marker}; sleep 60 & wait`,
  ]);
  await file(marker);
  expect(await interrupt(child)).toBe(130);
  while (existsSync(marker)) await pause(25);
});

test('a private forward is reached with netcat, with half-close, and is given back on Ctrl-C', async () => {
  const service = createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length)).on('end', () => socket.end(`got ${bytes}`));
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { child, forwarding } = await forward(`127.0.0.1:${(service.address() as AddressInfo).port}`, '--name', 'count', '--no-publish');
  expect(forwarding).toMatch(/^rstrm:\/\/count/);
  const result = await here.run(['netcat', 'rstrm://count'], { input: Buffer.alloc(1_000_000) });
  expect(result).toMatchObject({ code: 0, stdout: 'got 1000000' });
  expect(await interrupt(child)).toBe(0);
  expect(JSON.parse((await here.run(['tunnel', 'list', '--name', 'count', '-o', 'json'])).stdout)).toEqual([]);
  expect((await here.run(['netcat', 'rstrm://count'])).stderr).toContain('TUNNEL_NOT_FOUND');
  service.close();
});

test('a published forward answers under its host name', async () => {
  const service = createHttp((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { child, forwarding } = await forward(`127.0.0.1:${(service.address() as AddressInfo).port}`, '--name', 'web');
  const url = new URL(forwarding);
  const answer = await new Promise<string>((done, failed) => {
    get({ host: '127.0.0.1', port: url.port, headers: { host: url.host } }, (response) => {
      response.setEncoding('utf8').once('data', done);
    }).on('error', failed);
  });
  expect(answer).toBe('hello');
  expect(await interrupt(child)).toBe(0);
  service.closeAllConnections();
  service.close();
});

test('doctor passes, and nothing that any command printed holds the token', async () => {
  const token = readFileSync(ready.ownerTokenFile, 'utf8').trim();
  const doctor = await here.run(['doctor', '-o', 'json']);
  expect(doctor.code, doctor.stdout).toBe(0);
  const outputs = [doctor, await here.run(['context', 'get', '-o', 'json']), await here.run(['client', 'list', '-o', 'json', '-v'])];
  for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(token);
});

test('a token that the engine does not know is refused with its code', async () => {
  const { code, stderr } = await here.run(['tunnel', 'list', '-o', 'json'], { env: { RSTREAM_AUTHENTICATION_TOKEN: 'a.b.c' } });
  expect(code).toBe(1);
  expect(JSON.parse(stderr)).toMatchObject({ code: 'UNAUTHORIZED' });
});
