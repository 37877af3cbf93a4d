import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '@rstream/protocol';
import { sweepTree } from '../src/remnants.ts';
import { Root } from '../src/root.ts';
import { ServedProcess, soak } from './served-process.ts';
import { litter, snapshot } from './world.ts';

const MIB = 1024 * 1024;
const rounds = soak ? 15 : 2;
let folder: string;
let root: string;
let served: ServedProcess;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rstream-crash-'));
});
afterEach(() => served.end('SIGKILL'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  root = mkdtempSync(join(folder, 'root-'));
  served = await ServedProcess.start(root);
});

/** Sends a request without waiting for its answer, and kills the process `afterMs` later. */
async function killDuring(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: Buffer },
  afterMs: number,
): Promise<void> {
  const outgoing = request(`${served.url}/${path}`, { method, headers });
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  await delay(afterMs);
  await served.end('SIGKILL');
}

/** What a sidecar that starts again does, once the time is over that protects parts of uploads that may be under way. */
async function sweep(): Promise<void> {
  const opened = new Root(root);
  const place = opened.locate([]);
  await sweepTree(place.folder, new AbortController().signal, Date.now() + 2 * limits.webdav.remnantAge.default);
  opened.close();
}

const tree = (name: string, files: number, content: string): void => {
  mkdirSync(join(root, name));
  for (let index = 0; index < files; index += 1) writeFileSync(join(root, name, `file-${index}`), content);
};
const filesOf = (name: string): string[] => readdirSync(join(root, name)).map((file) => readFileSync(join(root, name, file), 'utf8'));

describe(`a process that is killed (${rounds} times each)`, () => {
  it.each(Array.from({ length: rounds }, (_, index) => index))(
    'in the middle of PUT leaves the old content or the new, %i',
    async (round) => {
      const [before, after] = [Buffer.alloc(2 * MIB, 1), Buffer.alloc(12 * MIB, 2)];
      writeFileSync(join(root, 'file'), before);
      await killDuring('PUT', 'file', { body: after }, 5 + round * (soak ? 5 : 40));
      const content = readFileSync(join(root, 'file'));
      expect(content.equals(before) || content.equals(after)).toBe(true);
      await sweep();
      expect(readdirSync(root)).toEqual(['file']);
    },
  );

  it.each(Array.from({ length: rounds }, (_, index) => index))(
    'in the middle of COPY over a folder leaves one of them whole, %i',
    async (round) => {
      tree('from', 200, 'new');
      tree('to', 50, 'old');
      await killDuring('COPY', 'from', { headers: { destination: `${served.url}/to` } }, 5 + round * (soak ? 5 : 40));
      await sweep();
      expect(filesOf('from')).toEqual(Array.from({ length: 200 }, () => 'new'));
      const there = filesOf('to');
      expect([there.length, new Set(there).size]).toEqual([there[0] === 'new' ? 200 : 50, 1]);
      expect(readdirSync(root)).toEqual(['from', 'to']);
    },
  );

  it('between the two renames of a replaced folder leaves the old one, once it runs again', async () => {
    // What such a process leaves: the old folder aside under its name, the new one still hidden.
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    mkdirSync(join(root, `.rstream-part-${dead}-00-old`));
    tree(`.rstream-part-${dead}-00-old/to`, 3, 'old');
    tree(`.rstream-part-${dead}-01`, 3, 'new');
    await sweep();
    expect([readdirSync(root), filesOf('to')]).toEqual([['to'], ['old', 'old', 'old']]);
    mkdirSync(join(root, `.rstream-part-${dead}-02-old`));
    tree(`.rstream-part-${dead}-02-old/to`, 3, 'older');
    await sweep();
    expect([readdirSync(root), filesOf('to')]).toEqual([['to'], ['old', 'old', 'old']]);
  });

  it.each(Array.from({ length: rounds }, (_, index) => index))(
    'in the middle of MOVE leaves every file, at one of its places, %i',
    async (round) => {
      tree('from', 100, 'kept');
      await killDuring('MOVE', 'from', { headers: { destination: `${served.url}/to` } }, round);
      expect(readdirSync(root)).toHaveLength(1);
      expect(filesOf(readdirSync(root)[0] ?? '')).toEqual(Array.from({ length: 100 }, () => 'kept'));
    },
  );

  it.each(Array.from({ length: rounds }, (_, index) => index))(
    'in the middle of DELETE has removed files or not, and changed none, %i',
    async (round) => {
      tree('gone', 2_000, 'whole');
      tree('beside', 5, 'whole');
      const beside = snapshot(join(root, 'beside'));
      await killDuring('DELETE', 'gone', {}, round * 3);
      if (readdirSync(root).includes('gone')) for (const content of filesOf('gone')) expect(content).toBe('whole');
      expect(snapshot(join(root, 'beside'))).toEqual(beside);
    },
  );

  it('leaves nothing behind once it runs again', async () => {
    writeFileSync(join(root, 'file'), 'old');
    const outgoing = request(`${served.url}/file`, { method: 'PUT', headers: { 'content-length': String(4 * MIB) } });
    outgoing.on('error', () => undefined);
    outgoing.write(Buffer.alloc(MIB));
    while (litter(root).length === 0 || statSync(join(root, litter(root)[0] ?? '')).size < MIB) await delay(5);
    await served.end('SIGKILL');
    expect(litter(root)).toHaveLength(1);
    await sweep();
    expect([readdirSync(root), readFileSync(join(root, 'file'), 'utf8')]).toEqual([['file'], 'old']);
  });
});
