import type { ErrorEntry } from './entry.ts';

/** Errors of `config`: the configuration file and its contexts. */
export const configErrors = {
  ERR_RSTREAM_CONFIG_INVALID: {
    about: 'The configuration file cannot be understood.',
    next: 'Correct the line that the message names.',
  },
  ERR_RSTREAM_CONFIG_UNREADABLE: {
    about: 'The configuration file cannot be read or written.',
    next: 'Check that the path is a file that belongs to you.',
  },
  ERR_RSTREAM_CONFIG_UNSAFE: {
    about: 'Other users can read the configuration file, and it holds a token.',
    next: 'Run chmod 600 on the file; replace the token if others may have read it.',
  },
  ERR_RSTREAM_CONFIG_LOCKED: {
    about: 'Another process is changing the configuration file.',
    next: 'Try again when it has finished.',
  },
  ERR_RSTREAM_CONTEXT_REQUIRED: {
    about: 'No context is selected and none is the default.',
    next: 'Create one: rstream context create NAME --engine HOST:PORT --token-file FILE --default',
  },
  ERR_RSTREAM_CONTEXT_NOT_FOUND: {
    about: 'There is no context with that name.',
    next: 'List the contexts with: rstream context list',
  },
  ERR_RSTREAM_CONTEXT_AMBIGUOUS: {
    about: 'Several contexts have that name.',
    next: 'Add --api-url to say which one.',
  },
  ERR_RSTREAM_CONTEXT_EXISTS: {
    about: 'A context with that name exists.',
    next: 'Choose another name, or change it with: rstream context update NAME',
  },
  ERR_RSTREAM_ENGINE_REQUIRED: {
    about: 'The context names no engine.',
    next: 'Add it: rstream context update NAME --engine HOST:PORT',
  },
  ERR_RSTREAM_AUTH_REQUIRED: {
    about: 'There is no token for this context.',
    next: 'Add one: rstream context update NAME --token-file FILE',
  },
  ERR_RSTREAM_AUTH_CONFLICT: {
    about: 'The context has a token and a client certificate.',
    next: 'Remove one of the two.',
  },
  ERR_RSTREAM_TOKEN_EXPIRED: {
    about: 'The token has expired.',
    next: 'Get a new token and store it: rstream context update NAME --token-file FILE',
  },
  ERR_RSTREAM_TOKEN_MALFORMED: {
    about: 'The text is not a token.',
    next: 'Check that the right file or variable was given.',
  },
  ERR_RSTREAM_TOKEN_STORAGE_UNSUPPORTED: {
    about: 'The token is kept in a store that this release cannot open.',
    next: 'Store it again: rstream context update NAME --token-file FILE',
  },
  ERR_RSTREAM_STORED_TOKEN_ENGINE_OVERRIDE: {
    about: 'The stored token of a context is never sent to another engine.',
    next: 'Give a token for that engine in RSTREAM_AUTHENTICATION_TOKEN, or create a context for it.',
  },
  ERR_RSTREAM_STORED_TOKEN_API_OVERRIDE: {
    about: 'The stored token of a context is never sent to another control plane.',
    next: 'Give a token for it in RSTREAM_AUTHENTICATION_TOKEN, or create a context for it.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
