import type { Client, ClientFilter, EngineEvent, Tunnel, TunnelFilter, WatchParams } from '@rstream/protocol/tunnel';
import type { Grant } from './ports.ts';

/** Filters of a list: every given field must be equal. */
export interface ListParams<F> {
  readonly limit?: number | undefined;
  readonly filters?: F | undefined;
}

/** Read side of the registry, seen through a grant. A row has fewer fields when the grant's list scope selects some. */
export interface Inventory {
  listTunnels(grant: Grant, params?: ListParams<TunnelFilter>): Partial<Tunnel>[];
  /** One tunnel by id. @throws RstreamError `TUNNEL_NOT_FOUND`, also when the grant may not see it */
  tunnel(grant: Grant, id: string): Partial<Tunnel>;
  listClients(grant: Grant, params?: ListParams<ClientFilter>): Client[];
  /** Events, the first of which is `state.initial`. Ends by throwing when the grant dies or the reader is too slow. */
  watch(grant: Grant, params: WatchParams, signal: AbortSignal): AsyncIterable<EngineEvent>;
}
