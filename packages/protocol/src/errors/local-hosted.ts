import type { ErrorEntry } from './entry.ts';

/** Errors of the hosted process. */
export const hostedErrors = {
  ERR_RSTREAM_HOSTED_CONFIG: {
    about: 'The hosted configuration is not valid.',
    next: 'Correct the setting that the message names; --check validates without starting.',
  },
  ERR_RSTREAM_HOSTED_EXPOSED: {
    about: 'A listener that other machines can reach would carry tokens in clear text.',
    next: 'Give --tls-cert and --tls-key, name the proxy that adds TLS with --trusted-proxy, or accept the risk with --insecure.',
  },
  ERR_RSTREAM_HOSTED_DATA_IN_USE: {
    about: 'Another hosted process runs on this data directory.',
    next: 'Stop that process, or choose another --data-dir.',
  },
  ERR_RSTREAM_HOSTED_DATA: {
    about: 'The data directory or its database cannot be used.',
    next: 'Check that the directory exists, belongs to this user and has free space.',
  },
  ERR_RSTREAM_HOSTED_LISTEN: {
    about: 'The listener could not be opened.',
    next: 'Choose another address, or stop the process that holds it.',
  },
  ERR_RSTREAM_HOSTED_TLS: {
    about: 'The certificate or its key cannot be used.',
    next: 'Check that both files are PEM, readable, and belong together.',
  },
  ERR_RSTREAM_HOSTED_FILE_EXISTS: {
    about: 'The output file exists already.',
    next: 'Choose another file, or overwrite it with --force.',
  },
  ERR_RSTREAM_HOSTED_NOT_FOUND: {
    about: 'The store has nothing with that id or name.',
    next: 'List what exists and check the spelling.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
