import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startHosted } from '../src/hosted.ts';
import { createLogger } from '../src/log.ts';
import { writeCertificate } from './certificates.ts';
import { startDevice } from './device.ts';
import { readAll, startWorld, type World } from './world.ts';

let directory: string;
let world: World;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rstream-tls-'));
  world = await startWorld({ baseHost: 'one.test', tls: writeCertificate(directory, 'one.test') });
});
afterAll(async () => {
  await world.dispose();
  rmSync(directory, { recursive: true });
});

const servedName = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: world.hosted.port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });

describe('a TLS listener', () => {
  it('serves https addresses', async () => {
    expect(world.hosted.apiUrl).toBe(`https://one.test:${world.hosted.port}`);
    expect(await servedName()).toBe('one.test');
  });

  it('carries sessions and tunnels, whose addresses are https', async () => {
    const serverName = world.engineHost;
    const engine = { host: '127.0.0.1', port: world.hosted.port, serverName, tls: { ca: readFileSync(join(directory, 'cert.pem')) } };
    const web = await startDevice({
      engine,
      token: world.ownerToken,
      service: (request, response) => response.end(String(request.headers['x-forwarded-proto'])),
    });
    expect(web.forwarding).toMatch(/^https:\/\/.+\.t\.one\.test:\d+$/);
    const options = { host: '127.0.0.1', port: world.hosted.port, headers: { host: web.host }, rejectUnauthorized: false, agent: false };
    const [response] = (await once(request(options).end(), 'response')) as [IncomingMessage];
    expect(await readAll(response)).toBe('https');
    await web.close();
  });

  it('serves a new certificate without a restart', async () => {
    writeCertificate(directory, 'two.test');
    await vi.waitFor(async () => expect(await servedName()).toBe('two.test'), { timeout: 8_000, interval: 50 });
  });

  it('keeps the certificate in use when the new pair is bad, and logs it', async () => {
    writeFileSync(join(directory, 'cert.pem'), 'not a certificate');
    await vi.waitFor(() => expect(world.log()).toContain('new certificate refused'), { timeout: 8_000, interval: 50 });
    expect(await servedName()).toBe('two.test');
    expect(world.log()).not.toContain('PRIVATE KEY');
  });

  it('refuses to start with a key that is not that of the certificate', async () => {
    const other = mkdtempSync(join(tmpdir(), 'rstream-tls-'));
    const pair = { cert: writeCertificate(other, 'three.test').cert, key: join(directory, 'key.pem') };
    const config = { listen: '127.0.0.1:0', metrics: { listen: 'off' }, dataDir: join(other, 'data'), tls: pair };
    await expect(startHosted(config, { logger: createLogger('silent') })).rejects.toMatchObject({ code: 'ERR_RSTREAM_HOSTED_TLS' });
    rmSync(other, { recursive: true });
  });
});
