import type { ProjectRef } from '@rstream/protocol/claims';
import type { Projects } from '@rstream/relay';

/** Which part of the process a host name belongs to. */
export type HostTarget =
  | { readonly kind: 'control' }
  | { readonly kind: 'engine'; readonly project: ProjectRef }
  | { readonly kind: 'tunnel' }
  | { readonly kind: 'unknown' };

/**
 * Reads a `Host` header. The port is not compared: behind a proxy or a forwarded port it is not ours.
 */
export function hostTarget(host: string | undefined, baseName: string, projects: Projects): HostTarget {
  const name = host?.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '') ?? '';
  if (name === baseName) return { kind: 'control' };
  if (!name.endsWith(`.${baseName}`)) return { kind: 'unknown' };
  const prefix = name.slice(0, -baseName.length - 1);
  if (prefix === 't' || prefix.endsWith('.t')) return { kind: 'tunnel' };
  const project = projects.byEndpoint(prefix);
  return project === undefined ? { kind: 'unknown' } : { kind: 'engine', project };
}
