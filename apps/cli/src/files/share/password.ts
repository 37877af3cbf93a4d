import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { RstreamError } from '@rstream/protocol';
import { usage } from '../../option.ts';
import type { BasicCredential } from '../gateway/access.ts';
import { atLocal } from '../local-error.ts';

const LONGEST = 4_096;

export interface PasswordOptions {
  readonly password: boolean;
  readonly passwordFile: string | undefined;
  readonly username: string;
}

/** The user and password that a share asks for; undefined when it asks for none. */
export async function sharePassword({ password, passwordFile, username }: PasswordOptions): Promise<BasicCredential | undefined> {
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (username === '' || /[:\u0000-\u001F\u007F]/.test(username)) throw usage('A user name has neither a colon nor control characters.');
  if (passwordFile === undefined) return password ? { username, password: randomBytes(16).toString('base64url') } : undefined;
  if (password) throw usage('--password makes one up; with --password-file it is not needed.');
  return { username, password: await readPassword(passwordFile) };
}

async function readPassword(file: string): Promise<string> {
  return atLocal(file, async () => {
    const { mode } = await stat(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new RstreamError('ERR_RSTREAM_FILE_LOCAL', `${file} can be read by others.`, { next: `Protect it with: chmod 600 ${file}` });
    const text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
    if (text === '' || Buffer.byteLength(text) > LONGEST) throw usage(`A password has 1 to ${LONGEST} bytes.`);
    return text;
  });
}
