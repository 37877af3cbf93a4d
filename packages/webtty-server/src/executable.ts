import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { RstreamError } from '@rstream/protocol';

type Found = 'executable' | 'not executable' | 'missing';

/**
 * The file that `program` means: a path, from `cwd`, or a name in `searchPath`. Looked up before spawning, because the error of
 * a failed spawn does not tell a missing program from a missing directory.
 *
 * @throws RstreamError `ERR_RSTREAM_COMMAND_NOT_FOUND`, `ERR_RSTREAM_COMMAND_NOT_EXECUTABLE`.
 */
export async function findExecutable(program: string, cwd: string, searchPath: string): Promise<string> {
  const candidates = program.includes('/')
    ? [resolve(cwd, program)]
    : searchPath.split(delimiter).map((directory) => join(resolve(cwd, directory), program));
  let present = false;
  for (const candidate of candidates) {
    const found = await inspect(candidate);
    if (found === 'executable') return candidate;
    present ||= found === 'not executable';
  }
  const shown = program.slice(0, 200);
  if (present) throw new RstreamError('ERR_RSTREAM_COMMAND_NOT_EXECUTABLE', `${shown}: cannot be executed on the device.`);
  throw new RstreamError('ERR_RSTREAM_COMMAND_NOT_FOUND', `${shown}: not found on the device.`);
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
