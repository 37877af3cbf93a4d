import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, watch } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Ready } from '@rstream/protocol/control';
import { startDevice } from './device.ts';
import { temporaryDirectory } from './world.ts';

const bin = join(import.meta.dirname, '../src/bin.ts');

interface Served {
  readonly process: ChildProcess;
  readonly ready: Ready;
  readonly output: () => string;
  readonly exit: Promise<[number | null, NodeJS.Signals | null]>;
}

const disposables: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposables.splice(0).reverse()) await dispose();
});

function dataDirectory(): string {
  const path = temporaryDirectory();
  disposables.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function serve(dataDir: string, listen = '127.0.0.1:0', nodeFlags: readonly string[] = []): Promise<Served> {
  const words = ['serve', '--listen', listen, '--data-dir', dataDir, '--metrics-listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, ['--conditions=@rstream/source', ...nodeFlags, bin, ...words]);
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  disposables.push(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const ready = await Promise.race([readyOf(dataDir, child.pid), exit.then(() => Promise.reject(new Error(output)))]);
  return { process: child, ready, output: () => output, exit };
}

/** Waits for the `ready.json` of one process: what a script would do. */
function readyOf(dataDir: string, pid: number | undefined): Promise<Ready> {
  const path = join(dataDir, 'ready.json');
  return new Promise((resolve) => {
    const look = (): void => {
      const ready = readReady(path);
      if (ready?.pid !== pid || ready === undefined) return;
      watcher.close();
      resolve(ready);
    };
    const watcher = watch(dataDir, look);
    look();
  });
}

/** The file of a process that was killed goes away when the next one starts, perhaps between two looks. */
function readReady(path: string): Ready | undefined {
  try {
    return Ready.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const ownerToken = ({ ready }: Served): string => readFileSync(ready.ownerTokenFile, 'utf8').trim();
const portOf = ({ ready }: Served): number => Number(new URL(ready.apiUrl).port);

describe('rstream-hosted serve', () => {
  it('prints the next three commands, exits 0 on SIGTERM, and leaves no ready.json', async () => {
    const dataDir = dataDirectory();
    const served = await serve(dataDir);
    served.process.kill('SIGTERM');
    expect(await served.exit).toEqual([0, null]);
    expect(existsSync(join(dataDir, 'ready.json'))).toBe(false);
    const { output, ready } = served;
    expect(output()).toContain(
      `rstream context create local --engine ${ready.engine} --token-file ${ready.ownerTokenFile} --no-api-url --default`,
    );
    expect(output()).toContain('rstream forward');
    expect(output()).toContain(`rstream-agent run --engine ${ready.engine}`);
    expect(output()).not.toMatch(/eyJ[\w-]{10,}/);
  });

  it('exits at once on the second signal', async () => {
    const served = await serve(dataDirectory());
    const web = await startDevice({
      engine: served.ready.engine,
      token: ownerToken(served),
      service: (_request, response) => void response.write('x'),
    });
    disposables.push(() => web.close());
    const asked = request({ host: '127.0.0.1', port: portOf(served), headers: { host: web.host } }).end();
    asked.on('error', () => undefined);
    await once(asked, 'response');
    const draining = new Promise<void>((resolve) => {
      served.process.stderr?.on('data', (chunk) => String(chunk).includes('draining') && resolve());
    });
    served.process.kill('SIGTERM');
    await draining;
    served.process.kill('SIGTERM');
    expect(await served.exit).toEqual([1, null]);
  });

  it('that was killed starts again on the same directory, and its devices are back within three seconds', async () => {
    const dataDir = dataDirectory();
    const first = await serve(dataDir);
    const web = await startDevice({
      engine: first.ready.engine,
      token: ownerToken(first),
      service: (_request, response) => response.end('ok'),
    });
    disposables.push(() => web.close());
    const offline = web.untilTunnel('offline');
    first.process.kill('SIGKILL');
    await Promise.all([first.exit, offline]);
    expect(existsSync(join(dataDir, 'ready.json'))).toBe(true);
    const online = web.untilTunnel('online');
    const second = await serve(dataDir, `127.0.0.1:${portOf(first)}`);
    const startedAt = performance.now();
    await online;
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(second.ready).toMatchObject({ engine: first.ready.engine, project: first.ready.project });
  });

  it('stays up with flat memory under 10,000 bad tokens, and a good one still works', { timeout: 60_000 }, async () => {
    // A heap with little to spare: what 10,000 refusals left behind would end the process.
    const served = await serve(dataDirectory(), '127.0.0.1:0', ['--max-old-space-size=64', '--max-semi-space-size=4']);
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    disposables.push(() => agent.destroy());
    const ask = (token: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port: portOf(served), path: '/api/whoami', agent };
        const headers = { host: new URL(served.ready.apiUrl).host, authorization: `Bearer ${token}` };
        const asked = request({ ...options, headers }, (response) =>
          response.resume().once('end', () => resolve(response.statusCode ?? 0)),
        );
        asked.once('error', reject).end();
      });
    const flood = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => ask(badToken(done + i))));
    };
    await flood(2_000);
    const before = await residentBytes(served);
    await flood(8_000);
    expect((await residentBytes(served)) - before).toBeLessThan(48 * 1_048_576);
    expect(await ask(ownerToken(served))).toBe(200);
    expect(served.output()).not.toMatch(/eyJ[\w-]{10,}\./);
  });
});

/** Every third is noise, the others are well-formed tokens that nobody issued or that have expired. */
function badToken(index: number): string {
  if (index % 3 === 0) return `noise-${index}`;
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { type: 'pat', jti: String(index), ...(index % 3 === 1 ? { exp: 1 } : {}) };
  return `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}.${'A'.repeat(43)}`;
}

async function residentBytes({ ready }: Served): Promise<number> {
  const text = await (await fetch(ready.metricsUrl ?? '')).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]);
}
