import type { Stats } from 'node:fs';
import { lstat, mkdir } from 'node:fs/promises';
import { RstreamError } from '@rstream/protocol';

const ownerOnly = 0o700;
const othersBits = 0o077;

/** Makes the folder for recordings if it is not there, and refuses one that other users can look into. */
export async function prepareDirectory(directory: string): Promise<void> {
  const stats = await makeAndLook(directory);
  if (!stats.isDirectory()) throw unusable(`${directory} is not a folder.`);
  if (process.platform === 'win32') return;
  if (stats.uid !== process.getuid?.()) throw unusable(`${directory} belongs to another user.`);
  if ((stats.mode & othersBits) !== 0) throw unusable(`${directory} is open to other users.`);
}

async function makeAndLook(directory: string): Promise<Stats> {
  try {
    await mkdir(directory, { recursive: true, mode: ownerOnly });
    return await lstat(directory);
  } catch (cause) {
    throw unusable(`${directory} cannot be used (${(cause as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, cause);
  }
}

const unusable = (message: string, cause?: unknown): RstreamError =>
  new RstreamError('ERR_RSTREAM_RECORDING_DIRECTORY', message, { cause });

/** Name of a recording: its begin, and the id of its session; later files of a session have a number. */
export function recordingName(startedAt: Date, sessionId: string, part: number): string {
  const time = startedAt.toISOString().replaceAll(/[-:]/g, '');
  // Ids are ours and plain; anything else must not name another folder.
  const id = sessionId.replaceAll(/[^\w-]/g, '_').slice(0, 64);
  return `${time}-${id}${part === 1 ? '' : `-${part}`}.cast`;
}

/** True for names that {@link recordingName} makes. */
export const isRecordingName = (name: string): boolean => /^\d{8}T\d{6}\.\d{3}Z-[\w-]+\.cast$/.test(name);

/** The sidecar with the hash chain of a recording. */
export const chainPath = (recording: string): string => `${recording}.chain`;
