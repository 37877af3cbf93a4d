import { mkdtempSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { recordSessions, readRecording, type RecordingFailure } from '@rstream/webtty-server';
import { openOf, serve } from './raw-client.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'rstream-recorded-'));
const sh = (script: string): string[] => ['sh', '-c', script];

it('a program that is faster than the disk of its recording is held back, and recorded whole', async () => {
  const directory = folder();
  const failures: RecordingFailure[] = [];
  const recordings = await recordSessions({
    mode: 'always',
    directory,
    onFailure: (failure) => failures.push(failure),
    openFile: async (path) => {
      const file = await open(path, 'ax', 0o600);
      return new Proxy(file, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]): Promise<unknown> => {
            if (name === 'write' || name === 'writev' || name === 'appendFile') await delay(30);
            return Reflect.apply(member, target, args) as unknown;
          };
        },
      });
    },
  });
  const bytes = 60_000_000;
  const { client, record } = serve({ observe: recordings.observe });
  client.send(openOf(sh(`head -c ${bytes} /dev/zero | tr '\\0' x`)));
  expect(await client.kind('close')).toMatchObject({ returnCode: 0, report: { stdoutBytes: bytes } });
  expect(await record).toMatchObject({ exit_code: 0, stdout_bytes: bytes });
  client.stream.end();
  await recordings.close();
  expect(failures).toEqual([]);
  let recorded = 0;
  const names = readdirSync(directory).filter((file) => file.endsWith('.cast'));
  for (const name of names)
    for await (const { code, data } of (await readRecording(join(directory, name))).events) if (code === 'o') recorded += data.length;
  expect(recorded).toBe(bytes);
}, 60_000);

it('a session whose required recording fails is ended', async () => {
  const recordings = await recordSessions({
    mode: 'required',
    directory: folder(),
    openFile: async (path) => {
      const file = await open(path, 'ax', 0o600);
      let writes = 0;
      return new Proxy(file, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]): unknown => {
            const isWrite = name === 'write' || name === 'writev' || name === 'appendFile';
            if (isWrite && path.endsWith('.cast') && ++writes > 1) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
            return Reflect.apply(member, target, args) as unknown;
          };
        },
      });
    },
  });
  const { client, record } = serve({ observe: recordings.observe });
  client.send(openOf(sh('echo something; sleep 60')));
  expect(await record).toMatchObject({ ended_by: 'policy', signal: 'SIGTERM' });
  client.stream.end();
  await recordings.close();
});
