import { RstreamError } from '@rstream/protocol';
import { usage } from '../option.ts';

/** Names of uploads that are under way on a device, and of downloads here: they are never listed, copied or removed as files. */
export const partialUpload = /^\.rstream-upload-[0-9a-f]{24}$/;
export const partialDownload = /^\.[^/]+\.rstream-part(\.etag)?$/;

/** True for what a transfer that is not finished keeps. */
export const isPartial = (name: string): boolean => partialUpload.test(name) || partialDownload.test(name);

/** Names of a path inside the root, as a person writes it: decoded, `/` between them. @throws RstreamError `ERR_RSTREAM_USAGE` */
export function segmentsOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..') || path.includes('\0'))
    throw usage(`"${path}" is no path inside the root.`, 'Write it from the root, such as /logs/today.txt.');
  return names;
}

/** The path of names, as it is shown. */
export const pathOf = (segments: readonly string[]): string => `/${segments.join('/')}`;

// oxlint-disable-next-line no-control-regex -- they are what is refused
const neverAName = /[/\0]/;
// oxlint-disable-next-line no-control-regex -- they are what is refused
const notOnWindows = /[\\:*?"<>|\u0000-\u001F]/;
const reservedOnWindows = /^(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$)(\.|$)|[. ]$/i;

/** True when a name that a device sent can be one file name here, and nothing else. */
export function isSafeName(name: string, platform: NodeJS.Platform = process.platform): boolean {
  if (name === '' || name === '.' || name === '..' || neverAName.test(name)) return false;
  return platform !== 'win32' || !(notOnWindows.test(name) || reservedOnWindows.test(name));
}

/** Checks a name that a device sent. @throws RstreamError `ERR_RSTREAM_FILE_NAME` */
export function safeName(name: string): string {
  if (!isSafeName(name))
    throw new RstreamError('ERR_RSTREAM_FILE_NAME', `The device names a file ${JSON.stringify(name)}, which is no name here.`);
  return name;
}
