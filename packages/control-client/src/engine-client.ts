import { RstreamError } from '@rstream/protocol';
import { TokenCreated, type TokenCreate } from '@rstream/protocol/control';
import { Client, EngineEvent, Tunnel, type ClientFilter, type TunnelFilter, type WatchParams } from '@rstream/protocol/tunnel';
import { readEventData } from './event-stream.ts';
import { createTransport, type CallOptions, type ClientOptions } from './transport.ts';

/** A token and when it ends (RFC 3339). */
export type CreatedToken = ReturnType<typeof TokenCreated.parse>;

const anything = { parse: (value: unknown) => value };

/** What to list: every field of the filter must be equal; no filter means everything that the token may see. */
export interface ListParams<Filter> {
  /** At most this many rows. */
  readonly limit?: number;
  readonly filters?: Filter;
}

export interface EngineClientOptions extends ClientOptions {
  /** With scheme, without path: `https://f587ee53.example.com`. */
  readonly engineUrl: string;
}

/** Inventory and events of one project's engine. Every call throws `RstreamError`, with the engine's own code when it gave one. */
export interface EngineClient {
  /** Resolves when the token is valid here. @throws RstreamError `UNAUTHORIZED` */
  auth(options?: CallOptions): Promise<void>;
  readonly tunnels: {
    list(params?: ListParams<TunnelFilter>, options?: CallOptions): Promise<Tunnel[]>;
    /** @throws RstreamError `TUNNEL_NOT_FOUND` */
    get(id: string, options?: CallOptions): Promise<Tunnel>;
  };
  readonly clients: {
    list(params?: ListParams<ClientFilter>, options?: CallOptions): Promise<Client[]>;
  };
  /** Delegated tokens of this engine, for contexts that know no control plane. */
  readonly tokens: {
    create(request: TokenCreate, options?: CallOptions): Promise<CreatedToken>;
  };
  /**
   * Events as they happen, the first is `state.initial`. Ends quietly when the signal aborts; throws `SESSION_LOST` when the stream
   * breaks: then watch again and take the new `state.initial` as the truth. Event types that this version does not know are left out.
   */
  watch(params: WatchParams | undefined, options: { readonly signal: AbortSignal }): AsyncIterable<EngineEvent>;
}

/** A client of one engine. Nothing is sent until it is called. */
export function createEngineClient({ engineUrl, ...options }: EngineClientOptions): EngineClient {
  const api = createTransport(engineUrl, options);
  return {
    async auth(call = {}) {
      await api.call({ ...call, path: '/api/auth', result: anything });
    },
    tunnels: {
      list: (params, call = {}) => api.call({ ...call, path: '/api/tunnels', query: paramsQuery(params), result: Tunnel.array() }),
      get: (id, call = {}) => api.call({ ...call, path: `/api/tunnels/${encodeURIComponent(id)}`, result: Tunnel }),
    },
    clients: {
      list: (params, call = {}) => api.call({ ...call, path: '/api/clients', query: paramsQuery(params), result: Client.array() }),
    },
    tokens: {
      create: (body, call = {}) => api.call({ ...call, method: 'POST', path: '/api/tokens', body, result: TokenCreated }),
    },
    async *watch(params, { signal }) {
      try {
        const body = await api.stream('/api/sse', paramsQuery(params), signal);
        for await (const data of readEventData(body, { signal })) {
          const event = EngineEvent.safeParse(JSON.parse(data));
          if (event.success) yield event.data;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (RstreamError.is(error)) throw error;
        throw new RstreamError('SESSION_LOST', 'The event stream broke.', { next: 'Open it again.', cause: error });
      }
      if (!signal.aborted) throw new RstreamError('SESSION_LOST', 'The engine ended the event stream.', { next: 'Open it again.' });
    },
  };
}

/** No `params` at all when there is nothing to filter, as published clients do it. */
function paramsQuery(params: object | undefined): Record<string, string | undefined> {
  const given = Object.entries(params ?? {}).filter(([, value]) => value !== undefined);
  return { params: given.length === 0 ? undefined : JSON.stringify(Object.fromEntries(given)) };
}
