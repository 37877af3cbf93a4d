import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createSidecar, type Sidecar, type SidecarOptions } from '@rstream/webdav-sidecar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provide } from '../src/provide.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;

interface Served {
  readonly url: string;
  readonly root: string;
  stop(): Promise<void>;
}

async function serve(root: string, options: Partial<SidecarOptions> = {}): Promise<Served> {
  const sidecar: Sidecar = createSidecar({ root, maxUploadBytes: 1024 * MIB, ...options });
  const server: Server = createServer(sidecar.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await sidecar.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fs`, root, stop };
}

let folder: string;
let served: Served;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rstream-webdav-'));
  mkdirSync(join(folder, 'root'));
  served = await serve(join(folder, 'root'));
});
afterAll(async () => {
  await served.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('litmus passes in all its suites', async () => {
  const { stdout } = await run(provide('litmus'), ['-k', `${served.url}/`], { cwd: folder });
  const summaries = [...stdout.matchAll(/summary for `(\w+)': of (\d+) tests run: (\d+) passed, (\d+) failed/g)];
  const results = Object.fromEntries(summaries.map(([, suite = '', ran, passed, failed]) => [suite, [ran, passed, failed].map(Number)]));
  expect(results).toEqual({ basic: [16, 16, 0], copymove: [13, 13, 0], props: [30, 30, 0], locks: [41, 41, 0], http: [4, 4, 0] });
  expect(stdout).not.toContain('WARNING');
});

describe('curl', () => {
  const curl = async (...args: string[]): Promise<string> => (await run(provide('curl'), ['-s', ...args])).stdout;
  const status = (...args: string[]): Promise<string> => curl('-o', '/dev/null', '-w', '%{http_code}', ...args);

  it('uploads with Expect: 100-continue, continues a download and keeps to conditions', async () => {
    const [file, target] = [join(folder, 'upload'), join(folder, 'download')];
    writeFileSync(file, randomBytes(5 * MIB));
    expect(await status('-T', file, `${served.url}/curl.bin`)).toBe('201');
    expect(await status('-T', file, '-H', 'If-None-Match: *', `${served.url}/curl.bin`)).toBe('412');
    writeFileSync(target, readFileSync(file).subarray(0, MIB));
    await curl('-C', '-', '-o', target, `${served.url}/curl.bin`);
    expect(readFileSync(target).equals(readFileSync(file))).toBe(true);
    expect(await status('--path-as-is', `${served.url}/../upload`)).toBe('400');
  });

  it('sees 413 for a file that is too large, although it is still sending', async () => {
    const small = await serve(join(folder, 'root'), { maxUploadBytes: MIB });
    const file = join(folder, 'too-large');
    writeFileSync(file, Buffer.alloc(40 * MIB));
    expect(await status('-T', file, '-H', 'Expect:', `${small.url}/too-large`)).toBe('413');
    expect(await status('-T', file, '-H', 'Expect:', '-H', 'Transfer-Encoding: chunked', `${small.url}/too-large`)).toBe('413');
    await small.stop();
  });
});

describe('rclone', () => {
  const rclone = (...args: string[]): Promise<{ stdout: string; stderr: string }> => {
    const env = {
      ...process.env,
      RCLONE_CONFIG: join(folder, 'rclone.conf'),
      RCLONE_WEBDAV_URL: served.url,
      RCLONE_WEBDAV_VENDOR: 'owncloud',
    };
    return run(provide('rclone'), args, { env });
  };

  it('copies, checks by content and by hash, keeps times, and has nothing to do the second time', async () => {
    const source = join(folder, 'source');
    mkdirSync(join(source, 'sub'), { recursive: true });
    for (let index = 0; index < 30; index += 1)
      writeFileSync(join(source, index % 2 === 0 ? '' : 'sub', `file ${index} ü`), randomBytes(index * 200));
    writeFileSync(join(source, 'large'), randomBytes(20 * MIB));
    await rclone('copy', source, ':webdav:copied', '--transfers', '8');
    const [checked, hashed] = [
      await rclone('check', '--download', source, ':webdav:copied'),
      await rclone('check', source, ':webdav:copied'),
    ];
    for (const { stderr } of [checked, hashed]) expect(stderr).toContain('0 differences found');
    expect(hashed.stderr).not.toContain('hashes could not be checked');
    const times = ['large', 'sub/file 1 ü'].map((name) =>
      [source, join(folder, 'root', 'copied')].map((base) => Math.floor(statSync(join(base, name)).mtimeMs / 1000)),
    );
    for (const [there, here] of times) expect(here).toBe(there);
    expect((await rclone('sync', source, ':webdav:copied', '-v', '--stats-one-line')).stderr).toMatch(/There was nothing to transfer/);
    await rclone('moveto', ':webdav:copied/sub', ':webdav:copied/moved');
    await rclone('purge', ':webdav:copied');
    expect(readdirSync(served.root)).not.toContain('copied');
    expect(JSON.parse((await rclone('about', ':webdav:', '--json')).stdout)).toHaveProperty('free');
  });
});

describe('a full disk', () => {
  let mounted: string | undefined;
  beforeAll(() => {
    const target = join(folder, 'tiny');
    mkdirSync(target);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', target], { stdio: 'pipe' });
      mounted = target;
    } catch {
      mounted = undefined;
    }
  });
  afterAll(() => {
    if (mounted !== undefined) execFileSync('umount', [mounted]);
  });

  it('is 507 for PUT and COPY; the old content stays, nothing is left behind, and space that comes back is used', async (context) => {
    if (mounted === undefined) {
      context.skip('no right to mount a small disk');
      return;
    }
    const tiny = await serve(mounted);
    const hash = (): string =>
      createHash('sha1')
        .update(readFileSync(join(tiny.root, 'file')))
        .digest('hex');
    const put = async (name: string, bytes: number): Promise<number> =>
      (await fetch(`${tiny.url}/${name}`, { method: 'PUT', body: Buffer.alloc(bytes, name) })).status;
    expect(await put('file', 5 * MIB)).toBe(201);
    const before = hash();
    expect(await put('file', 6 * MIB)).toBe(507);
    expect(await put('new', 6 * MIB)).toBe(507);
    const copied = await fetch(`${tiny.url}/file`, { method: 'COPY', headers: { destination: `${tiny.url}/copy` } });
    expect(copied.status).toBe(507);
    expect([hash(), readdirSync(tiny.root)]).toEqual([before, ['file']]);
    expect((await fetch(`${tiny.url}/file`, { method: 'DELETE' })).status).toBe(204);
    expect(await put('new', 6 * MIB)).toBe(201);
    await tiny.stop();
  });
});
