import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Address } from './address.ts';
import type { ChecksumTable } from './checksums.ts';
import { Failure } from './failure.ts';
import type { LockTable } from './locks.ts';
import type { Durability } from './durability.ts';
import type { PropertyTable } from './property-table.ts';
import type { Root } from './root.ts';
import type { Slots } from './slots.ts';

/** What all requests to one sidecar share. */
export interface Shared {
  readonly root: Root;
  /** Path that all addresses begin with: '' or such as `/fs`. */
  readonly prefix: string;
  readonly readOnly: boolean;
  readonly maxUploadBytes: number;
  readonly durability: Durability;
  readonly locks: LockTable;
  readonly properties: PropertyTable;
  readonly checksums: ChecksumTable;
  readonly slots: Slots;
}

/** One request, its address and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly address: Address;
  readonly shared: Shared;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
}

/** A header that a request carries once; undefined when it is absent. */
export function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** The `Depth` header. Throws 400 for another word. */
export function depthOf(request: IncomingMessage): '0' | '1' | 'infinity' | undefined {
  const depth = header(request, 'depth')?.trim().toLowerCase();
  if (depth === undefined || depth === '0' || depth === '1' || depth === 'infinity') return depth;
  throw new Failure(400, 'The Depth header is malformed.');
}
