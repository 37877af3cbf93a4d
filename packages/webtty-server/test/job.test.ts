import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Job, streamFiles } from '../src/session/job.ts';

it('can be read in the moment in which it was made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rstream-job-'));
  const job = new Job(folder);
  expect(streamFiles.map((name) => existsSync(join(folder, name)))).toEqual([true, true]);
  await job.finish();
  rmSync(folder, { recursive: true });
});
