import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';

/** The data of each event of a `text/event-stream` body, in order; comments (heartbeats) yield nothing. */
export async function* readEventData(
  body: ReadableStream<Uint8Array>,
  options: { signal: AbortSignal; silenceMs?: number },
): AsyncGenerator<string> {
  const { signal, silenceMs = limits.control.watchSilence.default } = options;
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const parser = createEventParser();
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), { signal, silenceMs });
      if (done) return;
      for (const data of parser(decoder.decode(value, { stream: true }))) yield data;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** A pure incremental parser: feed it text, get the data of the events that are complete. */
export function createEventParser(limit: number = limits.control.eventBytes.default): (chunk: string) => string[] {
  let rest = '';
  let data: string[] = [];
  let size = 0;
  return (chunk) => {
    const complete: string[] = [];
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length + size > limit) throw tooLarge(limit);
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) complete.push(data.join('\n'));
        data = [];
        size = 0;
      } else if (line.startsWith('data:')) {
        const value = line.slice(line.startsWith('data: ') ? 6 : 5);
        size += value.length;
        if (size > limit) throw tooLarge(limit);
        data.push(value);
      }
    }
    return complete;
  };
}

function tooLarge(limit: number): RstreamError {
  return new RstreamError('PAYLOAD_TOO_LARGE', `An event is larger than ${limit} bytes.`);
}

/** The server sends a heartbeat well within the silence: without one the connection is dead, however open it looks. */
async function withinSilence<Value>(
  work: Promise<Value>,
  { signal, silenceMs }: { signal: AbortSignal; silenceMs: number },
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort: (() => void) | undefined;
  const ends = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new RstreamError('SESSION_LOST', `The event stream was silent for ${silenceMs} ms.`, { next: 'Open it again.' }));
    }, silenceMs);
    abort = () => {
      reject(new RstreamError('ERR_RSTREAM_ABORTED'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, ends]);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal.removeEventListener('abort', abort);
    work.catch(() => {});
  }
}
