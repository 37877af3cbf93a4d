import { Buffer } from 'node:buffer';
import type { JobInfo, JobOutput } from '@rstream/protocol/exec';
import { readJob } from '@rstream/webtty-client';
import { resumable, type Device } from '../remote-command/device.ts';
import { findJob } from './info.ts';
import { textOfPieces } from './text.ts';

export interface ReadRequest {
  readonly stdoutOffset: number;
  readonly stderrOffset: number;
  /** Bytes of both streams together. */
  readonly maxBytes: number;
  /** Waits this long for the end of the job, or for as much output as may be returned; 0 takes what is there. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Reads a piece of a job's output, from the offsets on. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function readOutput(device: Device, id: string, request: ReadRequest): Promise<JobOutput> {
  const { signal, maxBytes, waitMs, stdoutOffset, stderrOffset } = request;
  const before = await findJob(device, id, signal);
  const ready = Math.max(0, before.stdout_kept - stdoutOffset) + Math.max(0, before.stderr_kept - stderrOffset);
  const isWaiting = waitMs > 0 && before.running;
  const wanted = Math.min(maxBytes, isWaiting ? Infinity : ready);
  const pieces =
    wanted === 0
      ? [Buffer.alloc(0), Buffer.alloc(0)]
      : await take(device, id, { ...request, wanted, waitMs: isWaiting ? waitMs : Infinity });
  // Asked again after a wait: the job may have ended meanwhile.
  const after = isWaiting ? await findJob(device, id, signal) : before;
  return jobOutput(after, pieces, request);
}

/** Reads until `wanted` bytes are there, the job has ended, or the time is over. */
async function take(device: Device, id: string, request: ReadRequest & { readonly wanted: number }): Promise<Buffer[]> {
  const { signal, waitMs, wanted, stdoutOffset, stderrOffset } = request;
  const options = { stdoutOffset, stderrOffset, signal, ...resumable(device) };
  const running = await readJob(await device.connect(signal), id, options);
  const chunks: [Uint8Array[], Uint8Array[]] = [[], []];
  let room = wanted;
  const timer = Number.isFinite(waitMs) ? setTimeout(() => running.leave(), waitMs) : undefined;
  const keep = async (stream: AsyncIterable<Uint8Array>, into: Uint8Array[]): Promise<void> => {
    for await (const chunk of stream) {
      const part = chunk.subarray(0, room);
      if (part.byteLength > 0) into.push(part);
      room -= part.byteLength;
      if (room === 0) running.leave();
    }
  };
  try {
    await Promise.all([keep(running.stdout, chunks[0]), keep(running.stderr, chunks[1])]);
    return chunks.map((parts) => Buffer.concat(parts));
  } finally {
    clearTimeout(timer);
    running.leave();
  }
}

function jobOutput(info: JobInfo, [stdout, stderr]: readonly Buffer[], { stdoutOffset, stderrOffset }: ReadRequest): JobOutput {
  const read = [stdoutOffset + (stdout?.byteLength ?? 0), stderrOffset + (stderr?.byteLength ?? 0)] as const;
  const complete = !info.running && read[0] >= info.stdout_kept && read[1] >= info.stderr_kept;
  const text = textOfPieces(stdout ?? Buffer.alloc(0), stderr ?? Buffer.alloc(0), complete);
  return {
    ...info,
    stdout: text.stdout,
    stderr: text.stderr,
    encoding: text.encoding,
    stdout_offset: stdoutOffset,
    stderr_offset: stderrOffset,
    next_stdout_offset: stdoutOffset + text.stdoutBytes,
    next_stderr_offset: stderrOffset + text.stderrBytes,
    complete,
  };
}
