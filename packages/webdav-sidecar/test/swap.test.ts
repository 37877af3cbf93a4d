import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { soak } from './served-process.ts';
import { litter, snapshot, World } from './world.ts';

const seconds = soak ? 60 : 3;
let world: World;
beforeAll(async () => {
  world = await World.start({ durability: 'none' }, ({ outside }) => writeFileSync(join(outside, 'outside-only'), 'SECRET'));
});
afterAll(() => world.stop());

const lockInfo = '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
const update = '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:lastmodified>1</D:lastmodified></D:prop></D:set></D:propertyupdate>';
const partial = { 'content-type': 'application/x-sabredav-partialupdate', 'x-update-range': 'append' };

interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Every method and query, on names that are inside, outside, or both. */
const attempts = (round: number): readonly Attempt[] => {
  const fresh = `/fs/swapped/new-${round % 7}`;
  const to = { destination: `${world.url}/swapped/to-${round % 5}` };
  const out = { destination: `${world.url}/taken-${round % 5}` };
  return [
    { method: 'GET', path: '/fs/swapped/secret.txt' },
    { method: 'GET', path: '/fs/swapped/outside-only' },
    { method: 'HEAD', path: '/fs/swapped/secret.txt' },
    { method: 'PUT', path: fresh, body: 'written by a client' },
    { method: 'PUT', path: '/fs/swapped/secret.txt', body: 'public' },
    { method: 'PUT', path: fresh, body: 'x', headers: { 'content-range': 'bytes 0-0/*' } },
    { method: 'PATCH', path: '/fs/swapped/secret.txt', body: '', headers: { ...partial, 'content-length': '0' } },
    { method: 'MKCOL', path: `${fresh}-folder` },
    { method: 'COPY', path: '/fs/swapped/secret.txt', headers: to },
    { method: 'COPY', path: '/fs/swapped', headers: out },
    { method: 'COPY', path: '/fs/beside', headers: to },
    { method: 'MOVE', path: fresh, headers: to },
    { method: 'MOVE', path: '/fs/swapped/outside-only', headers: out },
    { method: 'DELETE', path: fresh },
    { method: 'DELETE', path: '/fs/swapped/outside-only' },
    { method: 'PROPFIND', path: '/fs/swapped', headers: { depth: '1' } },
    { method: 'PROPPATCH', path: '/fs/swapped/secret.txt', body: update },
    { method: 'PROPPATCH', path: '/fs/swapped/outside-only', body: update },
    { method: 'LOCK', path: `/fs/swapped/locked-${round % 3}`, body: lockInfo, headers: { timeout: 'Second-1' } },
    { method: 'OPTIONS', path: '/fs/swapped' },
    { method: 'GET', path: '/fs/swapped/secret.txt?rstream=hash&algorithm=md5' },
    { method: 'GET', path: '/fs/swapped/outside-only?rstream=tail' },
    { method: 'GET', path: '/fs/?rstream=tree' },
    { method: 'GET', path: '/fs/swapped?rstream=tree' },
    { method: 'GET', path: '/fs/?rstream=search&content=SECRET' },
    { method: 'GET', path: '/fs/swapped?rstream=search&name=*only*' },
    { method: 'GET', path: '/fs/?rstream=archive' },
    { method: 'GET', path: '/fs/swapped?rstream=archive&format=tar' },
  ];
};

it(
  `a folder that is swapped for a link during every method for ${seconds} s leaks nothing and lets nothing out`,
  async () => {
    mkdirSync(join(world.root, 'swapped'));
    mkdirSync(join(world.root, 'beside'));
    writeFileSync(join(world.root, 'swapped', 'secret.txt'), 'public');
    const outsideBefore = snapshot(world.outside);
    const worker = new Worker(fileURLToPath(new URL('swapper.mjs', import.meta.url)), {
      workerData: { root: world.root, outside: world.outside },
    });
    await once(worker, 'message');
    const done = new Map<string, number>();
    const refused = new Map<string, number>();
    const until = performance.now() + seconds * 1000;
    const client = async (seed: number): Promise<void> => {
      for (let round = seed; performance.now() < until; round += 8) {
        for (const { method, path, headers = {}, body } of attempts(round)) {
          // An archive whose folder goes away in the middle is cut.
          const answer = await world.ask(method, path, { headers, ...(body === undefined ? {} : { body }) }).catch(() => undefined);
          if (answer === undefined) continue;
          if (method !== 'HEAD' && answer.body.includes('SECRET')) throw new Error(`${method} ${path} leaked`);
          if (/outside-only/.test(answer.text) && method === 'PROPFIND') throw new Error('a listing leaked');
          // 503: archives and scans are counted.
          if (answer.status >= 500 && ![502, 503].includes(answer.status))
            throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
          const counts = answer.status < 300 ? done : refused;
          counts.set(method, (counts.get(method) ?? 0) + 1);
        }
        if (seed === 0)
          for (const name of readdirSync(world.root))
            if (name.startsWith('taken-')) rmSync(join(world.root, name), { recursive: true, force: true });
      }
    };
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(client));
    worker.postMessage('stop');
    await once(worker, 'exit');
    expect(snapshot(world.outside)).toEqual(outsideBefore);
    expect(litter(world.outside)).toEqual([]);
    const sum = (counts: Map<string, number>): number => [...counts.values()].reduce((total, count) => total + count, 0);
    if (soak) process.stdout.write(`swap: ${sum(done) + sum(refused)} requests, ${sum(done)} done\n`);
    // Otherwise the race did not run.
    expect(sum(done)).toBeGreaterThan((sum(done) + sum(refused)) / 100);
    // A short run does not meet both ends with every method.
    for (const method of soak ? ['GET', 'PUT', 'COPY', 'MOVE', 'DELETE', 'MKCOL', 'PROPPATCH', 'LOCK'] : ['GET', 'PUT']) {
      expect([method, (done.get(method) ?? 0) > 0, (refused.get(method) ?? 0) > 0]).toEqual([method, true, true]);
    }
  },
  (seconds + 60) * 1000,
);
