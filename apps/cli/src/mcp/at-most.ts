import { setTimeout as sleep } from 'node:timers/promises';

/** The result of `work`, or undefined when it takes longer than `ms`. Leaves no timer behind that would keep the process alive. */
export async function atMost<Result>(work: Promise<Result>, ms: number): Promise<Result | undefined> {
  const done = new AbortController();
  try {
    return await Promise.race([work, sleep(ms, undefined, { signal: done.signal })]);
  } finally {
    done.abort();
  }
}
