import type { MuxStream } from '@rstream/tunnel-core';
import { RstreamError } from '@rstream/protocol';
import type { ProjectRef } from '@rstream/protocol/claims';
import type { Client, EngineEvent, Tunnel } from '@rstream/protocol/tunnel';

/** A connected client as the registry knows it: who it is, and how its tunnels are reached. */
export interface Holder {
  readonly project: ProjectRef;
  readonly clientId: string;
  readonly credentialId: string;
  /** Stable for one process: tells a reconnect from a second process. */
  readonly instanceId: string;
  /** Grows with every connection of one process. */
  readonly generation: number;
  /** False as soon as its session has ended. */
  readonly isOnline: boolean;
  /** @throws RstreamError when the session is closed, draining or full */
  openStream(): MuxStream;
  /** Tells the client that one of its tunnels was taken away. */
  fence(tunnelId: string, reason: RstreamError): void;
}

/** One tunnel of the registry. */
export interface TunnelEntry {
  readonly id: string;
  readonly holder: Holder;
  /** What the inventory shows. Replaced, never changed in place. */
  readonly record: Tunnel;
  /** True when `clientIp` may reach it (`trusted_ips`). */
  readonly admits: (clientIp: string) => boolean;
  /** False once it was closed, replaced or lost: no new stream may start. Edges remember an accepted request only while this holds. */
  readonly live: boolean;
  /** Running streams, kept by whoever starts them. */
  streams: number;
}

/** What a registry needs to add a tunnel. */
export interface Candidate {
  readonly id: string;
  readonly holder: Holder;
  readonly record: Tunnel;
  readonly admits: (clientIp: string) => boolean;
}

/** A change of the inventory; `state.initial` is made by the watcher itself. */
export type InventoryChange = Exclude<EngineEvent, { type: 'state.initial' }>;

type MutableEntry = { -readonly [K in keyof TunnelEntry]: TunnelEntry[K] };
interface ClientRow {
  holder: Holder;
  client: Client;
  goneAt: number | undefined;
}

/** Bounds; the defaults are in `relayLimits`. */
export interface RegistryLimits {
  readonly offlineRetention: number;
  readonly offlineMemory: number;
  readonly offlineHostnames: number;
}

/**
 * Every client and tunnel of this relay, in memory. Pure: no sockets, no clock of its own (`now` is given in milliseconds). Names are unique among
 * the live tunnels of a project, host names among all.
 */
export class Registry {
  readonly #limits: RegistryLimits;
  readonly #tunnels = new Map<string, MutableEntry>();
  readonly #byName = new Map<string, MutableEntry>();
  readonly #byHostname = new Map<string, MutableEntry>();
  readonly #byHolder = new Map<Holder, Set<MutableEntry>>();
  readonly #clients = new Map<string, ClientRow>();
  /** Lost clients that are still shown as offline. */
  readonly #lost = new Set<ClientRow>();
  readonly #listeners = new Set<(change: InventoryChange) => void>();
  /** Host names of vanished tunnels and when they vanished, oldest first. */
  readonly #vanished = new Map<string, number>();

  constructor(limits: RegistryLimits) {
    this.#limits = limits;
  }

  get tunnelCount(): number {
    return this.#tunnels.size;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** Calls `listener` after every change, in order. Returns the function that unsubscribes. */
  onChange(listener: (change: InventoryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  addClient(holder: Holder, client: Client): void {
    this.#forgetEarlierLives(holder);
    this.#clients.set(holder.clientId, { holder, client, goneAt: undefined });
    this.#emit({ type: 'client.created', object: client });
  }

  /**
   * Adds a tunnel, taking its name and host name over where that is allowed: from an offline holder always, from a live one when the
   * credential is the same and the newcomer is not an older life of the same process.
   *
   * @throws RstreamError `TUNNEL_CONFLICT` when another credential (or this very session) holds it, `TUNNEL_REPLACED` for a stale newcomer
   */
  open(candidate: Candidate): TunnelEntry {
    const { record, holder } = candidate;
    const rivals = new Set<MutableEntry>();
    const byName = record.name === undefined ? undefined : this.#byName.get(nameKey(holder.project, record.name));
    const byHostname = record.hostname === undefined ? undefined : this.#byHostname.get(record.hostname);
    if (byName !== undefined) rivals.add(byName);
    if (byHostname !== undefined) rivals.add(byHostname);
    for (const rival of rivals) assertMayReplace(holder, rival);
    for (const rival of rivals) this.#replace(rival);
    const entry: MutableEntry = { ...candidate, live: true, streams: 0 };
    this.#tunnels.set(entry.id, entry);
    const held = this.#byHolder.get(holder);
    if (held === undefined) this.#byHolder.set(holder, new Set([entry]));
    else held.add(entry);
    if (record.name !== undefined) this.#byName.set(nameKey(holder.project, record.name), entry);
    if (record.hostname !== undefined) {
      this.#byHostname.set(record.hostname, entry);
      this.#vanished.delete(record.hostname);
    }
    this.#emit({ type: 'tunnel.created', object: record });
    return entry;
  }

  /** Removes a tunnel that its own client closed. Its host name is unknown from then on. */
  close(holder: Holder, tunnelId: string): boolean {
    const entry = this.#tunnels.get(tunnelId);
    if (entry === undefined || entry.holder !== holder) return false;
    this.#remove(entry);
    return true;
  }

  /**
   * Notes that a session ended. A clean end removes the client and its tunnels; a lost one stays visible as offline for a while.
   * Either way the host names read as offline, not as unknown.
   */
  clientGone(holder: Holder, end: { readonly clean: boolean; readonly now: number }): void {
    for (const entry of this.#byHolder.get(holder) ?? []) {
      this.#rememberHostname(entry.record.hostname, end.now);
      if (end.clean) this.#remove(entry);
      else this.#markOffline(entry);
    }
    const row = this.#clients.get(holder.clientId);
    if (row === undefined) return;
    if (end.clean) return this.#removeClient(row);
    row.goneAt = end.now;
    this.#lost.add(row);
    row.client = { ...row.client, status: 'offline' };
    this.#emit({ type: 'client.updated', object: row.client });
  }

  /** Removes what has been offline for `offlineRetention` and forgets host names after `offlineMemory`. */
  expire(now: number): void {
    for (const row of this.#lost) {
      if (row.goneAt === undefined || now - row.goneAt < this.#limits.offlineRetention) continue;
      this.#removeHeld(row.holder);
      this.#removeClient(row);
    }
    for (const [hostname, at] of this.#vanished) {
      if (now - at < this.#limits.offlineMemory) break;
      this.#vanished.delete(hostname);
    }
  }

  /** The tunnel of a private target: an id first, else a live name of the project. */
  resolve(project: ProjectRef, target: string): TunnelEntry | undefined {
    const byId = this.#tunnels.get(target);
    if (byId !== undefined && byId.holder.project.id === project.id) return byId;
    return this.#byName.get(nameKey(project, target));
  }

  byHostname(hostname: string): TunnelEntry | undefined {
    return this.#byHostname.get(hostname);
  }

  /** True for the host name of a tunnel that vanished within `offlineMemory`. */
  isRemembered(hostname: string): boolean {
    return this.#vanished.has(hostname);
  }

  tunnels(project: ProjectRef): Tunnel[] {
    const rows: Tunnel[] = [];
    for (const entry of this.#tunnels.values()) if (entry.holder.project.id === project.id) rows.push(entry.record);
    return rows;
  }

  clients(project: ProjectRef): Client[] {
    const rows: Client[] = [];
    for (const row of this.#clients.values()) if (row.holder.project.id === project.id) rows.push(row.client);
    return rows;
  }

  tunnelsOf(holder: Holder): TunnelEntry[] {
    return [...(this.#byHolder.get(holder) ?? [])];
  }

  /** The newcomer of a lost process makes its offline rows out of date. */
  #forgetEarlierLives(holder: Holder): void {
    for (const row of this.#lost) {
      const earlier = row.holder;
      if (earlier.credentialId !== holder.credentialId || earlier.instanceId !== holder.instanceId) continue;
      this.#removeHeld(earlier);
      this.#removeClient(row);
    }
  }

  #removeHeld(holder: Holder): void {
    for (const entry of this.#byHolder.get(holder) ?? []) this.#remove(entry);
  }

  #replace(rival: MutableEntry): void {
    const wasLive = rival.live;
    this.#remove(rival);
    if (wasLive) rival.holder.fence(rival.id, new RstreamError('TUNNEL_REPLACED'));
    const row = this.#clients.get(rival.holder.clientId);
    if (row?.goneAt !== undefined && this.tunnelsOf(rival.holder).length === 0) this.#removeClient(row);
  }

  #markOffline(entry: MutableEntry): void {
    entry.live = false;
    entry.record = { ...entry.record, status: 'offline' };
    this.#emit({ type: 'tunnel.updated', object: entry.record });
  }

  #remove(entry: MutableEntry): void {
    const { record, holder } = entry;
    entry.live = false;
    this.#tunnels.delete(entry.id);
    const held = this.#byHolder.get(holder);
    held?.delete(entry);
    if (held?.size === 0) this.#byHolder.delete(holder);
    if (record.name !== undefined) deleteIfSame(this.#byName, nameKey(holder.project, record.name), entry);
    if (record.hostname !== undefined) deleteIfSame(this.#byHostname, record.hostname, entry);
    this.#emit({ type: 'tunnel.deleted', object: { ...record, status: 'offline' } });
  }

  #removeClient(row: ClientRow): void {
    this.#clients.delete(row.holder.clientId);
    this.#lost.delete(row);
    this.#emit({ type: 'client.deleted', object: { ...row.client, status: 'offline' } });
  }

  #rememberHostname(hostname: string | undefined, now: number): void {
    if (hostname === undefined) return;
    this.#vanished.delete(hostname);
    this.#vanished.set(hostname, now);
    if (this.#vanished.size <= this.#limits.offlineHostnames) return;
    const oldest = this.#vanished.keys().next();
    if (oldest.done !== true) this.#vanished.delete(oldest.value);
  }

  #emit(change: InventoryChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function assertMayReplace(newcomer: Holder, rival: TunnelEntry): void {
  const { holder } = rival;
  const what = rival.record.name === undefined ? `The host name ${rival.record.hostname}` : `The name "${rival.record.name}"`;
  if (!rival.live || !holder.isOnline) return;
  if (holder === newcomer) throw new RstreamError('TUNNEL_CONFLICT', `${what} is already open in this session.`);
  if (holder.credentialId !== newcomer.credentialId) {
    throw new RstreamError('TUNNEL_CONFLICT', `${what} is held by a live tunnel of another credential.`);
  }
  if (holder.instanceId === newcomer.instanceId && newcomer.generation < holder.generation) {
    throw new RstreamError('TUNNEL_REPLACED', `${what} is held by a later connection of this process.`);
  }
}

function nameKey(project: ProjectRef, name: string): string {
  return `${project.id}/${name}`;
}

function deleteIfSame(map: Map<string, MutableEntry>, key: string, entry: MutableEntry): void {
  if (map.get(key) === entry) map.delete(key);
}
