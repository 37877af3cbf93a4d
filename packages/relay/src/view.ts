import type { Client, Tunnel } from '@rstream/protocol/tunnel';
import type { Decision, Grant } from './ports.ts';
import type { Registry } from './registry.ts';

/** What a grant shows of the registry: undefined for a hidden row, else the row with the fields that may be seen. */
export interface View {
  tunnel(row: Tunnel): Partial<Tunnel> | undefined;
  client(row: Client): Client | undefined;
}

export function createView(grant: Grant, registry: Registry): View {
  return {
    tunnel(row) {
      const decision = decide(grant, row);
      return decision.allowed ? project(row, decision.select) : undefined;
    },
    client(row) {
      if (decide(grant).allowed) return row;
      const holdsVisible = registry.tunnels(grant.project).some((tunnel) => tunnel.client_id === row.id && decide(grant, tunnel).allowed);
      return holdsVisible ? row : undefined;
    },
  };
}

/** A refusal that no row could change. With a filter in its scope, a grant is asked row by row. @throws RstreamError `FORBIDDEN` */
export function assertMayList(grant: Grant): void {
  const decision = decide(grant);
  if (!decision.allowed && decision.error.details?.['reason'] !== 'filter') throw decision.error;
}

/** True when every given field of the filter equals the row's; labels are compared one by one. */
export function matches(row: Readonly<Record<string, unknown>>, filter: Readonly<Record<string, unknown>> | undefined): boolean {
  if (filter === undefined) return true;
  return Object.entries(filter).every(([field, wanted]) => {
    if (wanted === undefined) return true;
    if (field !== 'labels') return row[field] === wanted;
    const labels = (row['labels'] ?? {}) as Record<string, string>;
    return Object.entries(wanted as Record<string, string>).every(([key, value]) => labels[key] === value);
  });
}

function decide(grant: Grant, tunnel?: Tunnel): Decision {
  return grant.allows({ type: 'tunnel.list', project: grant.project, ...(tunnel === undefined ? {} : { tunnel: { ...tunnel } }) });
}

/** When any field is selected, only those; else all but the ones that are switched off. */
function project(row: Tunnel, select: Readonly<Record<string, boolean>> | undefined): Partial<Tunnel> {
  if (select === undefined) return row;
  const onlyChosen = Object.values(select).some(Boolean);
  return Object.fromEntries(Object.entries(row).filter(([field]) => (onlyChosen ? select[field] === true : select[field] !== false)));
}
