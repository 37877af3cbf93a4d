import { RstreamError } from '@rstream/protocol';
import type { Client, ClientFilter, EngineEvent, Tunnel, TunnelFilter, WatchParams } from '@rstream/protocol/tunnel';
import type { EffectiveLimits } from './limits.ts';
import type { Grant } from './ports.ts';
import type { Registry } from './registry.ts';
import { assertMayList, createView, matches, type View } from './view.ts';
import { createWatch, type LiveWatch } from './watch.ts';

/** Filters of a list: every given field must be equal. */
export interface ListParams<F> {
  readonly limit?: number | undefined;
  readonly filters?: F | undefined;
}

/** Read side of the registry, seen through a grant. A row has fewer fields when the grant's list scope selects some. */
export interface Inventory {
  /** @throws RstreamError `FORBIDDEN` when the grant may list nothing at all */
  listTunnels(grant: Grant, params?: ListParams<TunnelFilter>): Partial<Tunnel>[];
  /** One tunnel by id. @throws RstreamError `TUNNEL_NOT_FOUND`, also when the grant may not see it */
  tunnel(grant: Grant, id: string): Partial<Tunnel>;
  /** Under a grant that is limited to some tunnels: the clients that hold one of them. */
  listClients(grant: Grant, params?: ListParams<ClientFilter>): Client[];
  /** Events, the first of which is `state.initial`. Ends by throwing when the grant dies or the reader is too slow. */
  watch(grant: Grant, params: WatchParams, signal: AbortSignal): AsyncIterable<EngineEvent>;
}

/** The inventory, with the parts that only its relay uses. */
export interface OwnedInventory extends Inventory {
  /** Ends the watchers of a credential. */
  revoke(credentialId: string): void;
  /** Ends the watchers whose grants have expired. */
  sweep(now: number): void;
  close(): void;
}

export function createInventory(registry: Registry, limits: EffectiveLimits): OwnedInventory {
  const watches = new Set<LiveWatch>();
  const viewOf = (grant: Grant): View => createView(grant, registry);
  return {
    listTunnels(grant, params = {}) {
      assertMayList(grant);
      const view = viewOf(grant);
      return collect(registry.tunnels(grant.project), (row) => (matches(row, params.filters) ? view.tunnel(row) : undefined), params.limit);
    },
    tunnel(grant, id) {
      const row = registry.tunnels(grant.project).find((tunnel) => tunnel.id === id);
      const shown = row === undefined ? undefined : viewOf(grant).tunnel(row);
      if (shown === undefined) throw new RstreamError('TUNNEL_NOT_FOUND', 'No tunnel of this project has that id.');
      return shown;
    },
    listClients(grant, params = {}) {
      assertMayList(grant);
      const view = viewOf(grant);
      return collect(registry.clients(grant.project), (row) => (matches(row, params.filters) ? view.client(row) : undefined), params.limit);
    },
    watch(grant, params, signal) {
      assertMayList(grant);
      if (watches.size >= limits.watchers)
        throw new RstreamError('CAPACITY_EXHAUSTED', `This relay serves ${limits.watchers} watchers, its limit.`);
      const live = createWatch({
        grant,
        params,
        signal,
        registry,
        view: viewOf(grant),
        queueLimit: limits.watchQueue,
        onDone: () => watches.delete(live),
      });
      watches.add(live);
      return live.events;
    },
    revoke(credentialId) {
      for (const watch of watches)
        if (watch.grant.credentialId === credentialId) watch.end(new RstreamError('UNAUTHORIZED', 'The token was revoked.'));
    },
    sweep(now) {
      for (const watch of watches) {
        const { expiresAt } = watch.grant;
        if (expiresAt !== undefined && expiresAt <= now) watch.end(new RstreamError('UNAUTHORIZED', 'The token has expired.'));
      }
    },
    close() {
      for (const watch of watches) watch.end(new RstreamError('SERVICE_UNAVAILABLE'));
    },
  };
}

function collect<Row, Shown>(rows: readonly Row[], show: (row: Row) => Shown | undefined, limit = Infinity): Shown[] {
  const shown: Shown[] = [];
  for (const row of rows) {
    if (shown.length >= limit) break;
    const visible = show(row);
    if (visible !== undefined) shown.push(visible);
  }
  return shown;
}
