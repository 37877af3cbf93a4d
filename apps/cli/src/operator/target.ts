import { RstreamError } from '@rstream/protocol';
import { privateScheme } from '@rstream/protocol/tunnel';

/** A private target: the tunnel's name or id, and a path when one is written. */
export interface PrivateTarget {
  readonly name: string;
  readonly path?: string;
}

/** Reads `rstrm://name[/path]` or a bare name. @throws RstreamError `INVALID_REQUEST` */
export function parseTarget(url: string): PrivateTarget {
  const match = /^(?:([a-z][a-z0-9+.-]*:)\/\/)?([^/\s]+)(\/\S*)?$/i.exec(url.trim());
  const [, scheme = privateScheme, name, path] = match ?? [];
  if (name === undefined || scheme.toLowerCase() !== privateScheme) {
    throw new RstreamError('INVALID_REQUEST', `"${url}" is not a private target.`, { next: `Write it as ${privateScheme}//NAME.` });
  }
  return { name, ...(path === undefined || path === '/' ? {} : { path }) };
}

/** The target with the path of a device's commands; `/` and nothing are the same. A bare name becomes `rstrm://NAME`. */
export function withExecPath(url: string, path: string | undefined): string {
  const device = url.includes('://') ? url : `${privateScheme}//${url}`;
  return path === undefined || path === '/' ? device : new URL(path, `${device.replace(/\/*$/, '')}/`).href;
}
