import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Ready } from '@rstream/protocol/control';
import { startHosted } from '../src/hosted.ts';
import { createLogger } from '../src/log.ts';
import { makeOwnedDirectory } from '../src/state/owned-file.ts';
import { startWorld, temporaryDirectory, type World } from './world.ts';

const disposables: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposables.splice(0).reverse()) await dispose();
});

function directory(): string {
  const path = temporaryDirectory();
  disposables.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function start(dataDir: string): Promise<World> {
  const world = await startWorld({ dataDir });
  disposables.push(() => world.dispose());
  return world;
}

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('the first start', () => {
  it('makes an owner with a workspace, a project and a token that only the owner can read', async () => {
    const dataDir = join(directory(), 'new');
    const { hosted, ownerToken } = await start(dataDir);
    expect(hosted.foundation).toMatchObject({ isNew: true, owner: { role: 'owner' }, project: { name: 'default' } });
    expect(hosted.foundation.project.endpoint).toMatch(/^[0-9a-f]{8}$/);
    expect(ownerToken).toMatch(/^eyJ/);
    expect(mode(dataDir)).toBe(0o700);
    for (const name of ['owner.token', 'hosted.sqlite', 'ready.json']) expect([name, mode(join(dataDir, name))]).toEqual([name, 0o600]);
  });

  it('that was cut off after the token file is completed by the next one', async () => {
    const dataDir = directory();
    writeFileSync(join(dataDir, 'owner.token'), 'left over\n');
    const { ownerToken, call } = await start(dataDir);
    expect(ownerToken).not.toBe('left over');
    expect((await call('/api/whoami', { token: ownerToken })).status).toBe(200);
  });
});

describe('a data directory', () => {
  it.runIf(process.platform === 'linux')('where nothing can be made is refused at once', () => {
    expect(() => makeOwnedDirectory('/proc/nope/deeper')).toThrow(expect.objectContaining({ code: 'ERR_RSTREAM_HOSTED_DATA' }));
  });
});

describe('ready.json', () => {
  it('says where the process listens and is gone after a clean stop', async () => {
    const dataDir = directory();
    const world = await start(dataDir);
    const path = join(dataDir, 'ready.json');
    const ready = Ready.parse(JSON.parse(readFileSync(path, 'utf8')));
    expect(ready).toEqual({
      apiUrl: `http://rstream.localhost:${world.hosted.port}`,
      engine: `${world.hosted.foundation.project.endpoint}.rstream.localhost:${world.hosted.port}`,
      project: world.hosted.foundation.project.endpoint,
      ownerTokenFile: join(dataDir, 'owner.token'),
      metricsUrl: world.hosted.metricsUrl,
      pid: process.pid,
    });
    expect(readFileSync(path, 'utf8')).not.toContain(world.ownerToken);
    await world.hosted.stop();
    expect(existsSync(path)).toBe(false);
  });

  it('of a process that died is replaced', async () => {
    const dataDir = directory();
    writeFileSync(join(dataDir, 'ready.json'), JSON.stringify({ pid: 1, apiUrl: 'http://old' }));
    await start(dataDir);
    expect(Ready.parse(JSON.parse(readFileSync(join(dataDir, 'ready.json'), 'utf8'))).pid).toBe(process.pid);
  });
});

describe('a second start', () => {
  it('on a directory in use is refused, names the holder, and changes nothing', async () => {
    const dataDir = directory();
    const world = await start(dataDir);
    const logger = createLogger('silent');
    const second = startHosted({ dataDir, listen: '127.0.0.1:0', metrics: { listen: 'off' } }, { logger });
    await expect(second).rejects.toMatchObject({
      code: 'ERR_RSTREAM_HOSTED_DATA_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    });
    expect(existsSync(join(dataDir, 'ready.json'))).toBe(true);
    expect((await world.call('/healthz')).status).toBe(200);
  });

  it('after a stop keeps project, tokens and delegated tokens valid', async () => {
    const dataDir = directory();
    const first = await start(dataDir);
    const body = { permissions: null, expires_in: 600 };
    const delegated = (await first.call('/api/tokens', { method: 'POST', token: first.ownerToken, body })).json.token as string;
    await first.hosted.stop();
    const second = await start(dataDir);
    expect(second.hosted.foundation).toMatchObject({ isNew: false, project: first.hosted.foundation.project });
    expect((await second.call('/api/whoami', { token: first.ownerToken })).status).toBe(200);
    expect((await second.call('/api/whoami', { token: delegated })).status).toBe(200);
  });

  it('on a port in use fails with a code and releases the directory', async () => {
    const holder = await start(directory());
    const dataDir = directory();
    const logger = createLogger('silent');
    const taken = startHosted({ dataDir, listen: `127.0.0.1:${holder.hosted.port}`, metrics: { listen: 'off' } }, { logger });
    await expect(taken).rejects.toMatchObject({ code: 'ERR_RSTREAM_HOSTED_LISTEN' });
    await start(dataDir);
  });
});

describe('the metrics listener', () => {
  it('moves to a free port when nobody chose the taken one, and fails when somebody did', async () => {
    const holder = await start(directory());
    const taken = new URL(holder.hosted.metricsUrl ?? '').host;
    const config = { listen: '127.0.0.1:0', metrics: { listen: taken } };
    const logger = createLogger('silent');
    await expect(startHosted({ ...config, dataDir: directory() }, { logger })).rejects.toMatchObject({ code: 'ERR_RSTREAM_HOSTED_LISTEN' });
    const hosted = await startHosted({ ...config, dataDir: directory() }, { logger, metricsPortIsDefault: true });
    disposables.push(() => hosted.stop());
    expect(hosted.metricsUrl).not.toContain(taken);
  });
});

describe('a stop', () => {
  it('makes the process unready, frees the port and may be asked for twice', async () => {
    const world = await start(directory());
    await Promise.all([world.hosted.stop(), world.hosted.stop()]);
    await expect(world.call('/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
