import type { ErrorEntry } from './entry.ts';

/** Errors of who works with the files of a device. */
export const filesErrors = {
  ERR_RSTREAM_FILE_NOT_FOUND: {
    about: 'There is no such file or folder.',
    next: 'List the folder with: rstream webtty fs ls --url rstrm://NAME PATH',
  },
  ERR_RSTREAM_FILE_FORBIDDEN: {
    about: 'The device does not allow that.',
    next: 'See fs_mode in: rstream webtty list -o json. A link that leads out of the root is never followed.',
  },
  ERR_RSTREAM_FILE_CONFLICT: {
    about: 'The folder that the path names is not there, or something else is in the way.',
    next: 'Make the folder first: rstream webtty fs mkdir -p PATH',
  },
  ERR_RSTREAM_FILE_EXISTS: {
    about: 'The target exists, and nothing is overwritten unless you say so.',
    next: 'Repeat it with --force, or choose another name.',
  },
  ERR_RSTREAM_FILE_CHANGED: {
    about: 'The file was changed by someone else meanwhile.',
    next: 'Look at the file, then repeat the command.',
  },
  ERR_RSTREAM_FILE_TOO_LARGE: {
    about: 'The file is larger than the device takes.',
    next: 'Start its agent with a larger --fs-max-upload-size.',
  },
  ERR_RSTREAM_FILE_LOCKED: {
    about: 'Someone holds a lock on the file.',
    next: 'Try again when it is given back; a lock ends by itself after an hour at most.',
  },
  ERR_RSTREAM_FILE_DISK_FULL: {
    about: 'There is no room left on the disk, or in the quota.',
    next: 'Free some space there and repeat the command: it goes on where it stopped.',
  },
  ERR_RSTREAM_FILE_KIND: {
    about: 'A file was expected and a folder found, or the other way round.',
    next: 'Repeat it with -r for a folder, or name a file.',
  },
  ERR_RSTREAM_FILE_NAME: {
    about: 'A name cannot be used here.',
    next: 'Rename the file where it comes from, or leave it out with --exclude.',
  },
  ERR_RSTREAM_FILE_LOCAL: {
    about: 'A file or folder of this machine cannot be used.',
    next: 'See the reason in the message.',
  },
  ERR_RSTREAM_FILE_DAMAGED: {
    about: 'What arrived is not what was sent.',
    next: 'Repeat the command; the damaged part was removed.',
  },
  ERR_RSTREAM_FILE_STALLED: {
    about: 'The transfer made no progress for too long.',
    next: 'Repeat the command when the device is back: it goes on where it stopped.',
  },
  ERR_RSTREAM_FILE_INCOMPLETE: {
    about: 'Some of the files could not be transferred.',
    next: 'Read which ones and why, then repeat the command: what is done is not done again.',
  },
  ERR_RSTREAM_FILE_STATUS: {
    about: 'The device answered in a way that is not expected.',
    next: 'Repeat the command; with -v you see more.',
  },
  ERR_RSTREAM_FILES_UNAVAILABLE: {
    about: 'The device does not offer files.',
    next: 'Start its agent with: rstream-agent run --fs-root DIR',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
