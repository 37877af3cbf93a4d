/** What a person can ask for with a key after the prefix key. */
export type KeyAction = 'detach' | 'hang up' | 'latency' | 'retry' | 'ask' | 'grant' | 'refuse' | 'help';

/** Keys that follow the prefix key. Any other shows the help. */
export const keyActions: Readonly<Record<string, KeyAction>> = {
  d: 'detach',
  q: 'hang up',
  l: 'latency',
  r: 'retry',
  a: 'ask',
  y: 'grant',
  n: 'refuse',
  '?': 'help',
};

/** The keys in one short line. */
export const keyHelp = 'd leave, q hang up, l latency, r retry, a ask for control, y/n answer';
