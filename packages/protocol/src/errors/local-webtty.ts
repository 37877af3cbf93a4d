import type { ErrorEntry } from './error.ts';

/** Errors of \`webtty-client\` and \`webtty-server\`. */
export const webttyErrors = {
  ERR_RSTREAM_WEBTTY_PROTOCOL: {
    about: 'The peer sent a message that breaks the WebTTY protocol.',
    next: 'Upgrade the older end.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
