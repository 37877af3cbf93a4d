import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync, chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { RstreamError } from '@rstream/protocol';

const OWNER_FILE = 0o600;
const OWNER_DIRECTORY = 0o700;

/** Creates a directory that only its owner may enter; tightens one that exists. */
export function makeOwnedDirectory(path: string): void {
  try {
    makeDirectories(path);
    chmodSync(path, OWNER_DIRECTORY);
  } catch (cause) {
    throw new RstreamError('ERR_RSTREAM_HOSTED_DATA', `The directory ${path} cannot be used.`, { cause });
  }
}

/** Node's own recursive mkdir never ends where a parent exists and yet nothing can be made in it, as below `/proc`. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectories(parent);
  mkdirSync(path, { mode: OWNER_DIRECTORY });
}

/** Writes a file that only its owner may read, so that a reader sees the old content or the new, never a part. */
export function replaceOwnedFile(path: string, content: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeNew(draft, content);
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw new RstreamError('ERR_RSTREAM_HOSTED_DATA', `The file ${path} cannot be written.`, { cause });
  }
}

/** Writes a new file for its owner only; an existing one is refused with `ERR_RSTREAM_HOSTED_FILE_EXISTS`. */
export function createOwnedFile(path: string, content: string): void {
  try {
    writeNew(path, content);
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    const code = exists ? 'ERR_RSTREAM_HOSTED_FILE_EXISTS' : 'ERR_RSTREAM_HOSTED_DATA';
    throw new RstreamError(code, exists ? `${path} exists already.` : `The file ${path} cannot be written.`, { cause });
  }
}

function writeNew(path: string, content: string): void {
  const file = openSync(path, 'wx', OWNER_FILE);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
