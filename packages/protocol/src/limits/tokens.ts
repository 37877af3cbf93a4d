import type { LimitTable } from './limit.ts';

/** Tokens. */
export const tokenLimits = {
  delegatedTtlMax: { default: 3_600, unit: 's', about: 'Longest life of a delegated or application token.' },
  delegatedTtlMin: { default: 1, unit: 's', about: 'Shortest life of a delegated or application token.' },
  delegatedTtl: { default: 60, unit: 's', about: 'Life of a delegated or application token when none is asked for.' },
  clockSkew: { default: 300, unit: 's', about: 'How far the issue time of a token may differ from the clock that checks it.' },
  tokenCharacters: { default: 8_192, unit: 'characters', about: 'A token, checked before anything in it is read.' },
  permissions: { default: 64, unit: 'count', about: 'Permissions that one token names.' },
  resourceDepth: { default: 32, unit: 'count', about: 'JSON nesting of one resource tree; one AND or OR takes two levels.' },
  resourceNodes: { default: 1_024, unit: 'count', about: 'Objects, lists and values in one resource tree.' },
  resourceBranches: { default: 32, unit: 'count', about: 'Branches of one AND or OR.' },
  resourceTargets: { default: 256, unit: 'count', about: 'Workspaces or projects that one leaf names, and values of one oneof.' },
  patternCharacters: { default: 256, unit: 'characters', about: 'A regular expression in a filter.' },
  patternProgram: { default: 1_024, unit: 'count', about: 'Instructions of a compiled regular expression; a larger one matches nothing.' },
  patternWork: {
    default: 65_536,
    unit: 'count',
    about: 'Instructions of a regular expression times characters of a value; a longer value does not match.',
  },
  pathCharacters: { default: 4_096, unit: 'characters', about: 'A path that is compared with a path scope; a longer one is refused.' },
  compiledPatterns: { default: 128, unit: 'count', about: 'Compiled regular expressions that are kept.' },
  verifiedTokens: { default: 4_096, unit: 'count', about: 'Verified tokens that are kept, so that a signature is checked once.' },
  verifiedTokenAge: { default: 30_000, unit: 'ms', about: 'How long a verified token is kept before its credential is looked up again.' },
} as const satisfies LimitTable;
