import type { LimitTable } from './limit.ts';

/** Files of a device, on the side of who asks for them. */
export const filesLimits = {
  connections: { default: 8, unit: 'count', about: 'Streams to one device for files at once.' },
  maxConnections: { default: 32, unit: 'count', about: 'Most of them that may be asked for.' },
  answerTimeout: { default: 60_000, unit: 'ms', about: 'Wait for an answer to begin.' },
  stallTimeout: { default: 30_000, unit: 'ms', about: 'Silence in the middle of a transfer after which its connection counts as lost.' },
  retryTime: { default: 120_000, unit: 'ms', about: 'A transfer that makes no progress for this long is given up.' },
  retryMinDelay: { default: 100, unit: 'ms', about: 'First wait before a lost transfer is taken up again.' },
  retryMaxDelay: { default: 5_000, unit: 'ms', about: 'Longest such wait.' },
  resumableBytes: {
    default: 8_388_608,
    unit: 'bytes',
    about: 'A larger file is uploaded so that a lost connection costs nothing; a smaller one is sent anew.',
  },
  listedEntries: { default: 1_000_000, unit: 'count', about: 'Entries of one tree that is listed or compared.' },
  treeDepth: { default: 128, unit: 'count', about: 'Nested folders of such a tree.' },
  failureBytes: { default: 4_096, unit: 'bytes', about: 'What is read of an answer that refuses.' },
  rowBytes: { default: 65_536, unit: 'bytes', about: 'One row of an answer in rows.' },
  gatewayRequests: { default: 64, unit: 'count', about: 'Requests at once that `webtty fs serve` takes.' },
  shareRequests: { default: 128, unit: 'count', about: 'Requests at once that a share takes.' },
  shareFailedLogins: {
    default: 20,
    unit: 'count',
    about: 'Wrong passwords in a minute after which a share refuses every further one for that minute.',
  },
  sharePreview: { default: 262_144, unit: 'bytes', about: 'Text that the page of a share shows of a file.' },
  shareRows: { default: 100, unit: 'count', about: 'Rows of one page of a listing.' },
  shareListing: { default: 10_000, unit: 'count', about: 'Entries of one folder that a share lists.' },
} as const satisfies LimitTable;
