import { clearTimeout, setTimeout } from 'node:timers';
import { limits } from '@rstream/protocol';
import type { Logger } from './log.ts';
import { startOfChanges, type Changes, type Store } from './store/store.ts';

export interface ChangeFeed {
  /** Brings what was written up to now; resolves when it was applied. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface ChangeFeedOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly apply: (changes: Changes) => void;
  readonly intervalMs?: number;
}

/** Follows the store, so that what another process wrote (a revocation, a project) takes effect here within the interval. */
export async function followChanges({
  store,
  logger,
  apply,
  intervalMs = limits.control.changePoll.default,
}: ChangeFeedOptions): Promise<ChangeFeed> {
  let cursor = startOfChanges;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let running: Promise<void> = Promise.resolve();

  const step = async (): Promise<void> => {
    const changes = await store.changesSince(cursor);
    cursor = changes.cursor;
    if (changes.credentials.length > 0 || changes.projects.length > 0) apply(changes);
  };
  const refresh = (): Promise<void> => (running = running.catch(() => undefined).then(step));
  const schedule = (): void => {
    timer = setTimeout(() => void tick(), intervalMs);
  };
  const tick = async (): Promise<void> => {
    // A store that fails for a while is caught up with later: the cursor stays where it was.
    await refresh().catch((error: unknown) => logger.error({ err: error }, 'change feed failed'));
    if (!closed) schedule();
  };

  await step();
  schedule();
  return {
    refresh,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running.catch(() => undefined);
    },
  };
}
