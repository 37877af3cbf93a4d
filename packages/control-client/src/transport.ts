import { RstreamError, errorFromReport } from '@rstream/protocol';
import { nextWhenUnreachable } from '@rstream/protocol/errors';
import { limits } from '@rstream/protocol/limits';

/** The part of the web's `fetch` that the clients need. Node's own cannot reach names under `.localhost` everywhere: pass one that can. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Redirects are never followed: they would carry the token elsewhere. */
  readonly redirect: 'manual';
}

/** The credential, or how to get it; asked for again on every call. */
export type TokenProvider = string | (() => string | Promise<string>);

export interface ClientOptions {
  readonly token: TokenProvider;
  /** Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /** Extra headers on every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds for one call, default 10,000; a watch has no end. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What a schema does here: zod's have this shape. */
export interface Parser<Value> {
  parse(value: unknown): Value;
}

interface Call<Value> extends CallOptions {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly result: Parser<Value>;
}

/** One API: sends a call, checks the answer, turns failures into `RstreamError`. */
export interface ApiTransport {
  call<Value>(call: Call<Value>): Promise<Value>;
  /** An answer whose body is read as it arrives. The signal ends it at any time; the deadline covers only the head. */
  stream(path: string, query: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

/** @param baseUrl with scheme; paths are appended to it */
export function createTransport(baseUrl: string, options: ClientOptions): ApiTransport {
  const { timeoutMs = limits.control.requestTimeout.default } = options;
  return {
    async call({ method = 'GET', path, query = {}, body, result, signal }) {
      const deadline = AbortSignal.timeout(timeoutMs);
      const ends = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
      return attempt(baseUrl, { caller: signal, deadline, timeoutMs }, async () => {
        const response = await send(options, {
          url: addressOf(baseUrl, path, query),
          method,
          signal: ends,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await readText(response.body, limits.control.responseBytes.default);
        if (!response.ok) throw errorOfResponse(response.status, text);
        return parseAnswer(text, result, baseUrl);
      });
    },
    async stream(path, query, signal) {
      const head = new AbortController();
      const timer = setTimeout(() => {
        head.abort();
      }, timeoutMs);
      try {
        return await attempt(baseUrl, { caller: signal, deadline: head.signal, timeoutMs }, async () => {
          const ends = AbortSignal.any([signal, head.signal]);
          const response = await send(options, {
            url: addressOf(baseUrl, path, query),
            method: 'GET',
            signal: ends,
            accept: 'text/event-stream',
          });
          if (!response.ok) throw errorOfResponse(response.status, await readText(response.body, limits.control.responseBytes.default));
          if (response.body === null) throw notOurs(baseUrl);
          return response.body;
        });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly signal: AbortSignal;
  readonly body?: string;
  readonly accept?: string;
}

async function send(options: ClientOptions, { url, method, signal, body, accept = 'application/json' }: Outgoing): Promise<Response> {
  const doFetch: Fetch = options.fetch ?? ((target, init) => fetch(target, init));
  const token = typeof options.token === 'string' ? options.token : await options.token();
  return doFetch(url, {
    method,
    headers: {
      ...options.headers,
      accept,
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    signal,
    redirect: 'manual',
  });
}

function addressOf(baseUrl: string, path: string, query: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(baseUrl.replace(/\/+$/, '') + path);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

interface Bounds {
  readonly caller: AbortSignal | undefined;
  readonly deadline: AbortSignal;
  readonly timeoutMs: number;
}

async function attempt<Value>(baseUrl: string, { caller, deadline, timeoutMs }: Bounds, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (caller?.aborted === true) throw new RstreamError('ERR_RSTREAM_ABORTED', undefined, { cause: error });
    if (deadline.aborted)
      throw new RstreamError('ERR_RSTREAM_TIMEOUT', `${baseUrl} did not answer within ${timeoutMs} ms.`, { cause: error });
    if (RstreamError.is(error)) throw error;
    const code = systemCode(error);
    const next = nextWhenUnreachable(code, baseUrl.startsWith('https:'));
    const reason = code === undefined ? '' : ` (${code})`;
    throw new RstreamError('ERR_RSTREAM_CONNECT_FAILED', `${baseUrl} could not be reached${reason}.`, {
      cause: error,
      ...(next === undefined ? {} : { next }),
    });
  }
}

/** The system's own code, such as ECONNREFUSED, wherever the runtime hides it. */
function systemCode(error: unknown): string | undefined {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return undefined;
}

async function readText(body: ReadableStream<Uint8Array> | null, limit: number): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > limit) throw new RstreamError('PAYLOAD_TOO_LARGE', `The answer is larger than ${limit} bytes.`);
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parseAnswer<Value>(text: string, result: Parser<Value>, baseUrl: string): Value {
  let value: unknown;
  try {
    value = text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    throw notOurs(baseUrl, error);
  }
  try {
    return result.parse(value);
  } catch (error) {
    throw new RstreamError('INTERNAL', `${baseUrl} answered with something that this version does not understand.`, {
      next: 'Upgrade the older of the two ends.',
      cause: error,
    });
  }
}

function notOurs(baseUrl: string, cause?: unknown): RstreamError {
  return new RstreamError('ERR_RSTREAM_CONNECT_FAILED', `${baseUrl} answered, but not as an rstream API.`, {
    next: 'Check the address.',
    cause,
  });
}

const codeByStatus = {
  400: 'INVALID_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  413: 'PAYLOAD_TOO_LARGE',
  429: 'CAPACITY_EXHAUSTED',
  502: 'SERVICE_UNAVAILABLE',
  503: 'SERVICE_UNAVAILABLE',
  504: 'UPSTREAM_TIMEOUT',
} as const;

/** The error in an answer: its own code and words when the body has them, else what the status means. */
function errorOfResponse(status: number, text: string): RstreamError {
  const body = errorBody(text);
  const byStatus = codeByStatus[status as keyof typeof codeByStatus] ?? 'INTERNAL';
  if (body?.code !== undefined) return errorFromReport({ code: body.code, message: body.error, next: body.next });
  const message = body?.error ?? `The answer was HTTP ${status}.`;
  return new RstreamError(byStatus, message, { details: { status } });
}

interface ErrorBody {
  readonly error: string;
  readonly code?: string;
  readonly next?: string;
}

/** `{error}` with an optional code and next step; published servers send only `{error}`. */
function errorBody(text: string): ErrorBody | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof ErrorBody, unknown>> | null;
    if (typeof value?.error !== 'string') return undefined;
    const { error, code, next } = value;
    return { error, ...(typeof code === 'string' ? { code } : {}), ...(typeof next === 'string' ? { next } : {}) };
  } catch {
    return undefined;
  }
}
