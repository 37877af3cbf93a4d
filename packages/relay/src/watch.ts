import { RstreamError } from '@rstream/protocol';
import type { Client, EngineEvent, Tunnel, WatchParams } from '@rstream/protocol/tunnel';
import type { Grant } from './ports.ts';
import type { InventoryChange, Registry } from './registry.ts';
import { matches, type View } from './view.ts';

export interface WatchOptions {
  readonly grant: Grant;
  readonly params: WatchParams;
  readonly signal: AbortSignal;
  readonly registry: Registry;
  readonly view: View;
  /** Events that may wait for the reader before it is cut. */
  readonly queueLimit: number;
  readonly onDone: () => void;
}

/** A running watcher. */
export interface LiveWatch {
  readonly grant: Grant;
  readonly events: AsyncIterable<EngineEvent>;
  /** Makes the reader's next step throw. */
  end(error: RstreamError): void;
}

/**
 * Follows the registry from this moment on. A row that enters the filter reads as created, one that leaves it as deleted. The reader
 * must keep up: at `queueLimit` waiting events it is cut with `CAPACITY_EXHAUSTED` instead of being sent a gap.
 */
export function createWatch(options: WatchOptions): LiveWatch {
  const { grant, signal, registry, queueLimit } = options;
  const visible = new Set<string>();
  const queue: EngineEvent[] = [initialState(options, visible)];
  let failure: RstreamError | undefined;
  let wake = (): void => {};
  const end = (error: RstreamError): void => {
    failure ??= error;
    queue.length = 0;
    wake();
  };
  const unsubscribe = registry.onChange((change) => {
    const event = eventFor(change, options, visible);
    if (event === undefined || failure !== undefined) return;
    if (queue.length >= queueLimit)
      return end(
        new RstreamError('CAPACITY_EXHAUSTED', 'This watcher does not keep up with the events.', {
          next: 'Watch again; the first event brings the whole state.',
        }),
      );
    queue.push(event);
    wake();
  });
  const done = (): void => {
    unsubscribe();
    signal.removeEventListener('abort', stop);
    options.onDone();
  };
  // A reader that never takes its first step has no `finally` of its own.
  const stop = (): void => {
    done();
    wake();
  };
  signal.addEventListener('abort', stop, { once: true });

  async function* read(): AsyncGenerator<EngineEvent> {
    try {
      while (!signal.aborted) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else if (failure !== undefined) throw failure;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      done();
    }
  }
  return { grant, events: read(), end };
}

function initialState({ grant, params, registry, view }: WatchOptions, visible: Set<string>): EngineEvent {
  const clients = registry.clients(grant.project).flatMap((row) => (matches(row, params.clients) ? (view.client(row) ?? []) : []));
  const tunnels = registry.tunnels(grant.project).flatMap((row) => {
    const shown = matches(row, params.tunnels) ? view.tunnel(row) : undefined;
    if (shown === undefined) return [];
    visible.add(row.id);
    return [shown as Tunnel];
  });
  for (const client of clients) visible.add(client.id);
  return { type: 'state.initial', ...origin(grant), object: { snapshot_at: new Date().toISOString(), clients, tunnels } };
}

function eventFor(change: InventoryChange, { grant, params, view }: WatchOptions, visible: Set<string>): EngineEvent | undefined {
  const row = change.object;
  if (row.project_id !== grant.project.id) return undefined;
  const isTunnel = isTunnelChange(change);
  const shown = isTunnel ? tunnelRow(change.object, params, view) : clientRow(row as Client, params, view);
  const was = visible.has(row.id);
  const kind = isTunnel ? 'tunnel' : 'client';
  const isGone = change.type.endsWith('.deleted') || shown === undefined;
  if (isGone) {
    if (!visible.delete(row.id)) return undefined;
    return stamped(grant, `${kind}.deleted`, shown ?? { id: row.id, status: row.status });
  }
  visible.add(row.id);
  return stamped(grant, was ? `${kind}.updated` : `${kind}.created`, shown);
}

function isTunnelChange(change: InventoryChange): change is Extract<InventoryChange, { object: Tunnel }> {
  return change.type.startsWith('tunnel.');
}

function tunnelRow(row: Tunnel, params: WatchParams, view: View): Partial<Tunnel> | undefined {
  return matches(row, params.tunnels) ? view.tunnel(row) : undefined;
}

function clientRow(row: Client, params: WatchParams, view: View): Client | undefined {
  return matches(row, params.clients) ? view.client(row) : undefined;
}

function stamped(grant: Grant, type: Exclude<EngineEvent['type'], 'state.initial'>, object: object): EngineEvent {
  // A scope's `select` may leave fields out, as it may in the REST lists.
  return { type, created_at: new Date().toISOString(), ...origin(grant), object } as EngineEvent;
}

function origin(grant: Grant): { workspace_id: string; project_id: string } {
  return { workspace_id: grant.workspaceId, project_id: grant.project.id };
}
