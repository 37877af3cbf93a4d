import { RstreamError } from '@rstream/protocol';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not do that',
  EPERM: 'this user may not do that',
  EROFS: 'the disk is read-only',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a symbolic link, which is not followed',
  EEXIST: 'it exists',
  ENAMETOOLONG: 'the name is too long',
};

/** The code of a system error, or ''. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** A failure with a file of this machine. What is no system error stays what it is. */
export function localError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (RstreamError.is(error) || code === '' || code.startsWith('ERR_')) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new RstreamError('ERR_RSTREAM_FILE_DISK_FULL', `There is no room left for ${path}.`, { cause: error });
  return new RstreamError('ERR_RSTREAM_FILE_LOCAL', `${path}: ${reasons[code] ?? code}.`, { cause: error });
}

/** Runs `work` and says of which file a failure is. */
export async function atLocal<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw localError(error, path);
  }
}
