import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endSession, forgetJob, listSessions, readJob, startJob } from '@rstream/webtty-client';
import { Device } from './device.ts';

const sh = (script: string): string[] => ['sh', '-c', script];
const folder = (): string => mkdtempSync(join(tmpdir(), 'rstream-jobs-'));

async function text(output: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of output) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a job', () => {
  it('needs no connection: its output and its end can be read later, from any offset, again and again', async () => {
    const device = new Device({ jobDirectory: folder() });
    const id = await startJob(device.connect(), { argv: sh('echo out; echo err >&2; exit 3') }, { label: 'build' });
    const job = await readJob(device.connect(), id);
    expect(await Promise.all([text(job.stdout), text(job.stderr)])).toEqual(['out\n', 'err\n']);
    expect(await job.wait()).toMatchObject({ exitCode: 3, stdoutBytes: 4, stderrBytes: 4 });
    const again = await readJob(device.connect(), id, { stdoutOffset: 2, stderrOffset: 4 });
    expect(await Promise.all([text(again.stdout), text(again.stderr)])).toEqual(['t\n', '']);
    expect(await again.wait()).toMatchObject({ exitCode: 3 });
    expect(await listSessions(device.connect())).toMatchObject([
      { id, label: 'build', detached: true, running: false, exitCode: 3, stdoutBytes: 4, stdoutKept: 4 },
    ]);
    expect(device.records).toMatchObject([{ job: true, session_id: id, exit_code: 3, ended_by: 'exit' }]);
  });

  it('can be read in the moment in which it was started', async () => {
    const device = new Device({ jobDirectory: folder() });
    const started = await Promise.all(Array.from({ length: 20 }, () => startJob(device.connect(), { argv: ['echo', 'here'] })));
    const jobs = await Promise.all(started.map((id) => readJob(device.connect(), id)));
    expect(await Promise.all(jobs.map((job) => text(job.stdout)))).toEqual(started.map(() => 'here\n'));
    await Promise.all(jobs.map((job) => job.wait()));
  });

  it('is followed while it runs, left, and followed again, across cut connections, without a byte lost or doubled', async () => {
    const device = new Device({ jobDirectory: folder() });
    const script =
      'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "line $i of a job that takes its time"; [ $((i % 40)) -eq 0 ] && sleep 0.02; done; seq 1 300000';
    const id = await startJob(device.connect(), { argv: sh(script) });
    const job = await readJob(device.connect(), id, { reconnect: device.reconnect });
    const hash = createHash('sha256');
    let bytes = 0;
    let since = 0;
    for await (const chunk of job.stdout) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      since += chunk.byteLength;
      if (since < 60_000) continue;
      since = 0;
      device.cut();
    }
    expect(await job.wait()).toMatchObject({ exitCode: 0, stdoutBytes: bytes });
    const whole = await readJob(device.connect(), id);
    expect(
      createHash('sha256')
        .update(await text(whole.stdout))
        .digest('hex'),
    ).toBe(hash.digest('hex'));
    expect(device.connections).toBeGreaterThan(10);
  }, 30_000);

  it('goes on when its reader leaves, and ends when it is told to', async () => {
    const device = new Device({ jobDirectory: folder() });
    const id = await startJob(device.connect(), { argv: sh('echo up; sleep 60') });
    const job = await readJob(device.connect(), id);
    for await (const chunk of job.stdout) {
      expect(Buffer.from(chunk).toString()).toBe('up\n');
      break;
    }
    job.leave();
    expect(await listSessions(device.connect(), { id })).toMatchObject([{ running: true }]);
    expect(await endSession(device.connect(), id)).toMatchObject({ running: false, cancelled: true, signal: 'SIGTERM' });
  });

  it('is kept over a restart of the agent, and forgotten when it is told to', async () => {
    const directory = folder();
    const first = new Device({ jobDirectory: directory });
    const id = await startJob(first.connect(), { argv: sh('echo kept') });
    await (await readJob(first.connect(), id)).wait();
    await first.server.stop(0);
    const second = new Device({ jobDirectory: directory });
    expect(await text((await readJob(second.connect(), id)).stdout)).toBe('kept\n');
    await forgetJob(second.connect(), id);
    expect(await listSessions(second.connect())).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('belongs to who started it', async () => {
    const device = new Device({ jobDirectory: folder() });
    const id = await startJob(device.connect({ userId: 'ann' }), { argv: sh('echo secret') });
    const refused = { code: 'ERR_RSTREAM_SESSION_NOT_FOUND' };
    const bob = { userId: 'bob' };
    await expect(readJob(device.connect(bob), id)).rejects.toMatchObject(refused);
    await (await readJob(device.connect({ userId: 'ann' }), id)).wait();
    await expect(readJob(device.connect(bob), id)).rejects.toMatchObject(refused);
    await expect(forgetJob(device.connect(bob), id)).rejects.toMatchObject(refused);
    expect(await listSessions(device.connect(bob))).toEqual([]);
  });

  it('is refused by a device that keeps none, and leaves nothing behind when its program is not there', async () => {
    const none = new Device();
    await expect(startJob(none.connect(), { argv: ['true'] })).rejects.toMatchObject({ code: 'ERR_RSTREAM_COMMAND_UNSUPPORTED' });
    const directory = folder();
    const device = new Device({ jobDirectory: directory });
    await expect(startJob(device.connect(), { argv: ['no-such-program'] })).rejects.toMatchObject({
      code: 'ERR_RSTREAM_COMMAND_NOT_FOUND',
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('keeps its output for its owner alone', async () => {
    const directory = folder();
    const device = new Device({ jobDirectory: directory });
    const id = await startJob(device.connect(), { argv: ['true'] });
    await (await readJob(device.connect(), id)).wait();
    expect(statSync(join(directory, id)).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(directory, id))) expect(statSync(join(directory, id, name)).mode & 0o777).toBe(0o600);
  });
});
