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
export type { Containment } from './folder.ts';
export { createSidecar, type Sidecar, type SidecarLogger, type SidecarOptions } from './sidecar.ts';
