import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { readJob } from '@rstream/webtty-client';
import { resumable, type Device } from '../remote-command/device.ts';
import { findJob } from './info.ts';

export interface LogRange {
  readonly stdoutOffset: number;
  readonly stderrOffset: number;
  readonly maxBytes: number;
  /** Go on until the job has ended, instead of until what is there. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Writes a job's output to the standard streams. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function printLogs(device: Device, id: string, range: LogRange): Promise<void> {
  const { stdoutOffset, stderrOffset, follow, maxBytes, signal } = range;
  const info = await findJob(device, id, signal);
  const isOpen = follow && info.running;
  const ready = [info.stdout_kept - stdoutOffset, info.stderr_kept - stderrOffset] as const;
  const rest = ready.map((bytes) => (isOpen ? Infinity : Math.max(0, bytes)));
  if (Math.max(...rest) === 0) return;
  const job = await readJob(await device.connect(signal), id, { stdoutOffset, stderrOffset, signal, ...resumable(device) });
  let room = maxBytes;
  const copy = async (source: AsyncIterable<Uint8Array>, target: Writable, stream: 0 | 1): Promise<void> => {
    for await (const chunk of source) {
      const part = chunk.subarray(0, Math.min(room, rest[stream] ?? 0));
      room -= part.byteLength;
      rest[stream] = (rest[stream] ?? 0) - part.byteLength;
      if (room === 0 || Math.max(...rest) === 0) job.leave();
      if (part.byteLength > 0 && !target.write(part)) await once(target, 'drain');
    }
  };
  try {
    await Promise.all([copy(job.stdout, process.stdout, 0), copy(job.stderr, process.stderr, 1)]);
  } finally {
    // The streams end before the job's last message: without this, it would be come back to for that.
    job.leave();
  }
}
