import { clearTimeout, setTimeout } from 'node:timers';
import { limits } from '@rstream/protocol';
import type { EngineEvent } from '@rstream/protocol/tunnel';

const HEARTBEAT = ': heartbeat\n\n';

/**
 * Events as a server-sent-events answer. An event is taken only when the client has room for it, so a slow client slows the
 * iteration, which the inventory bounds. A comment line keeps idle connections alive through proxies.
 */
export function eventStream(events: AsyncIterable<EngineEvent>, heartbeatMs: number = limits.control.watchHeartbeat.default): Response {
  const iterator = events[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<EngineEvent>> | undefined;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      pending ??= iterator.next();
      const next = await withHeartbeat(pending, heartbeatMs);
      if (next === undefined) return controller.enqueue(encoder.encode(HEARTBEAT));
      pending = undefined;
      if (next.done === true) return controller.close();
      return controller.enqueue(encoder.encode(`data: ${JSON.stringify(next.value)}\n\n`));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  });
}

/** What `work` gives, or `undefined` when it is still not there after `ms`. */
async function withHeartbeat<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
