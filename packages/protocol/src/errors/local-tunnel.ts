import type { ErrorEntry } from './error.ts';

/** Errors of `tunnel-core`: sessions, streams, carriers, dialling. */
export const tunnelErrors = {
  ERR_RSTREAM_SESSION_CLOSED: {
    about: 'The session with the relay is closed.',
    next: 'Connect again.',
  },
  ERR_RSTREAM_CONNECT_FAILED: {
    about: 'The engine could not be reached.',
    next: 'Check the address and that the relay is running.',
  },
  ERR_RSTREAM_TIMEOUT: {
    about: 'The operation took longer than its deadline.',
    next: 'Try again, or allow more time.',
  },
  ERR_RSTREAM_ABORTED: {
    about: 'The operation was cancelled.',
    next: 'Nothing, if you cancelled it.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
