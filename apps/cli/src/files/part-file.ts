import { constants } from 'node:fs';
import { link, open, readFile, rename, rm, utimes, writeFile, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import { atLocal, systemCode } from './local-error.ts';

/** Longest name that leaves room for what is added to it, in bytes. */
const LONGEST_NAME = 200;

/** Where the content of a file is kept until it is whole: beside it, under a hidden name, with the state of the file it is a part of. */
export class PartFile {
  readonly target: string;
  readonly path: string;

  constructor(target: string) {
    this.target = target;
    const name = basename(target);
    const short = Buffer.byteLength(name) <= LONGEST_NAME ? name : createHash('sha256').update(name).digest('hex').slice(0, 32);
    this.path = join(dirname(target), `.${short}.rstream-part`);
  }

  /** The ETag that the content so far belongs to; undefined when there is none. */
  async tag(): Promise<string | undefined> {
    const text = await readFile(`${this.path}.etag`, 'utf8').catch(() => '');
    return /^"[^"\n]*"$/.test(text) ? text : undefined;
  }

  async setTag(etag: string | undefined): Promise<void> {
    if (etag === undefined) await rm(`${this.path}.etag`, { force: true });
    else await atLocal(this.target, () => writeFile(`${this.path}.etag`, etag, { mode: 0o600 }));
  }

  /** Opens it to be read and written, and makes it when it is not there. Never through a link. */
  open(mode = 0o666): Promise<FileHandle> {
    const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
    return atLocal(this.target, () => open(this.path, flags, mode));
  }

  /** Puts the whole file in place. @throws RstreamError `ERR_RSTREAM_FILE_EXISTS` when something is there that may not be replaced */
  async finish({ replace, modified }: { replace: boolean; modified?: number | undefined }): Promise<void> {
    await atLocal(this.target, async () => {
      if (modified !== undefined) await utimes(this.path, modified / 1000, modified / 1000);
      if (replace) await rename(this.path, this.target);
      else await this.#putWhereNothingIs();
    });
    await this.setTag(undefined);
  }

  /** Removes what is kept. */
  async discard(): Promise<void> {
    await rm(this.path, { force: true });
    await this.setTag(undefined);
  }

  /** A hard link never replaces; where a disk has none, looking first must do. */
  async #putWhereNothingIs(): Promise<void> {
    try {
      await link(this.path, this.target);
      await rm(this.path);
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw exists(this.target);
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCode(error))) throw error;
      const taken = await open(this.target, 'wx').catch((cause: unknown) => {
        throw systemCode(cause) === 'EEXIST' ? exists(this.target) : cause;
      });
      await taken.close();
      await rename(this.path, this.target);
    }
  }
}

/** The error for a local file that is not overwritten. */
export const exists = (path: string): RstreamError => new RstreamError('ERR_RSTREAM_FILE_EXISTS', `${path} exists.`);
