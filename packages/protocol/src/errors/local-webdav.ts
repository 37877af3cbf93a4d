import type { ErrorEntry } from './entry.ts';

/** Errors of `webdav-sidecar`; clients of the sidecar get HTTP statuses instead. */
export const webdavErrors = {
  ERR_RSTREAM_FS_ROOT: {
    about: 'The root of the filesystem sidecar is not a folder that can be opened.',
    next: 'Name an existing folder that this user can read.',
  },
  ERR_RSTREAM_FS_OPTIONS: {
    about: 'An option of the filesystem sidecar is out of range.',
    next: 'Read the option in the message and correct it.',
  },
  ERR_RSTREAM_FS_CONTAINMENT: {
    about: 'This platform cannot hold folders open by descriptor, and strict containment was asked for.',
    next: 'Run the sidecar on Linux with /proc mounted, or leave strict containment off and read what is weaker.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
