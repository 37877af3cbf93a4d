import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { RstreamError } from '@rstream/protocol';

/** Search path where nobody gave one. */
export const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Found = 'executable' | 'not executable' | 'missing';

/**
 * The file that `program` means: a path, from `cwd`, or a name in `searchPath`. Looked up before spawning, because the error of
 * a failed spawn does not tell a missing program from a missing directory.
 *
 * @throws RstreamError `ERR_RSTREAM_COMMAND_NOT_FOUND`, `ERR_RSTREAM_COMMAND_NOT_EXECUTABLE`.
 */
export async function findExecutable(program: string, cwd: string, searchPath: string): Promise<string> {
  let present = false;
  for (const candidate of executableCandidates(program, cwd, searchPath)) {
    const found = await inspect(candidate);
    if (found === 'executable') return candidate;
    present ||= found === 'not executable';
  }
  throw present ? notExecutable(program) : notFound(program);
}

/**
 * The files that `program` may mean, best first. An empty or relative part of the search path is left out: it would mean the
 * directory that the client chose.
 */
export function executableCandidates(program: string, cwd: string, searchPath: string): readonly string[] {
  if (program.includes('/')) return [resolve(cwd, program)];
  const directories = searchPath.split(delimiter).filter((directory) => isAbsolute(directory));
  return directories.map((directory) => join(directory, program));
}

/** Nothing has this name. */
export function notFound(program: string): RstreamError {
  return new RstreamError('ERR_RSTREAM_COMMAND_NOT_FOUND', `${program.slice(0, 200)}: not found on the device.`);
}

/** Something has this name, and cannot be run. */
export function notExecutable(program: string): RstreamError {
  return new RstreamError('ERR_RSTREAM_COMMAND_NOT_EXECUTABLE', `${program.slice(0, 200)}: cannot be executed on the device.`);
}

async function inspect(file: string): Promise<Found> {
  try {
    if (!(await stat(file)).isFile()) return 'not executable';
    await access(file, constants.X_OK);
    return 'executable';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EACCES' || code === 'EPERM' ? 'not executable' : 'missing';
  }
}
