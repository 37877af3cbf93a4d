import type { ProjectRef } from '@rstream/protocol/claims';
import type { Projects } from '@rstream/relay';
import type { StoredProject } from './store/entities.ts';

/** The active projects in local memory: the relay asks on every public request. Kept current by the change feed. */
export class ProjectDirectory implements Projects {
  readonly #byEndpoint = new Map<string, ProjectRef>();

  get size(): number {
    return this.#byEndpoint.size;
  }

  byEndpoint(endpoint: string): ProjectRef | undefined {
    return this.#byEndpoint.get(endpoint);
  }

  apply(projects: readonly StoredProject[]): void {
    for (const { id, workspaceId, endpoint, status } of projects) {
      if (status === 'active') this.#byEndpoint.set(endpoint, { id, workspaceId, endpoint });
      else this.#byEndpoint.delete(endpoint);
    }
  }
}
