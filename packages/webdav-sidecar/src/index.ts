/**
 * Serve one folder of this machine over WebDAV, and nothing outside it.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { createSidecar } from '@rstream/webdav-sidecar';
 *
 * const sidecar = createSidecar({ root: '/srv/shared', prefix: '/fs' });
 * const server = createServer(sidecar.handle);
 * server.listen(0, '127.0.0.1');
 * ```
 *
 * @module
 */
export type { Durability } from './durability.ts';
export type { Containment } from './folder.ts';
export { serveNamedRoots, type NamedRoot, type NamedRootsOptions } from './named-roots.ts';
export { createSidecar, type ChangeRecord, type Sidecar, type SidecarLogger, type SidecarOptions } from './sidecar.ts';
export type { Weakness } from './weaknesses.ts';
