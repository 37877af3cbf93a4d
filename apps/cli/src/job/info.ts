import { RstreamError } from '@rstream/protocol';
import type { JobInfo } from '@rstream/protocol/exec';
import type { SessionInfo } from '@rstream/protocol/webtty';
import { listSessions } from '@rstream/webtty-client';
import type { Device } from '../remote-command/device.ts';
import { handleText } from './handle.ts';

const time = (ms: number): string => new Date(ms).toISOString();

export function jobInfo(url: string, info: SessionInfo): JobInfo {
  const { id, label, argv, cwd, running, startedAtMs, endedAtMs, exitCode, signal } = info;
  const exited = !running && signal === '' && exitCode !== undefined && exitCode >= 0;
  return {
    job_id: id,
    handle: handleText({ url, id }),
    url,
    label,
    command: [...argv],
    workdir: cwd,
    running,
    started_at: time(startedAtMs),
    ended_at: running || endedAtMs === undefined ? null : time(endedAtMs),
    exit_code: exited ? exitCode : null,
    signal: running || signal === '' ? null : signal,
    timed_out: info.timedOut,
    cancelled: info.cancelled,
    stdout_bytes: info.stdoutBytes,
    stderr_bytes: info.stderrBytes,
    stdout_kept: info.stdoutKept,
    stderr_kept: info.stderrKept,
  };
}

/** The jobs of a device that are the caller's, the newest first. */
export async function listJobs({ url, connect }: Device, signal: AbortSignal): Promise<JobInfo[]> {
  const sessions = await listSessions(await connect(signal), { signal });
  return sessions
    .filter(({ detached }) => detached)
    .toSorted((a, b) => b.startedAtMs - a.startedAtMs)
    .map((info) => jobInfo(url, info));
}

/** One job. @throws RstreamError `ERR_RSTREAM_SESSION_NOT_FOUND` */
export async function findJob({ url, connect }: Device, id: string, signal: AbortSignal): Promise<JobInfo> {
  const [info] = await listSessions(await connect(signal), { id, signal });
  if (info === undefined || !info.detached) throw new RstreamError('ERR_RSTREAM_SESSION_NOT_FOUND', `There is no job "${id}" on ${url}.`);
  return jobInfo(url, info);
}

/** How it stands, in a word or two. */
export function jobState({ running, exit_code: code, signal, timed_out: timedOut, cancelled }: JobInfo): string {
  if (running) return 'running';
  if (timedOut) return 'timed out';
  if (cancelled) return 'cancelled';
  return signal ?? (code === null ? 'ended' : `exit ${code}`);
}
