import { privateScheme } from '@rstream/protocol/tunnel';
import { usage } from '../option.ts';
import { segmentsOf } from './path.ts';

/** Files of a device: which one, and names below its root. */
export interface RemoteLocation {
  /** `rstrm://NAME` */
  readonly url: string;
  readonly segments: readonly string[];
}

const written = new RegExp(`^${privateScheme}//([^/]+)(/.*)?$`, 'is');

/**
 * Reads a path on a device: with `--url` as it is, or as `rstrm://NAME/PATH`. Nothing in it is percent-decoded.
 * @throws RstreamError `ERR_RSTREAM_USAGE`
 */
export function remoteLocation(path: string, url: string | undefined): RemoteLocation {
  const [, name, below] = written.exec(path) ?? [];
  if (name !== undefined) {
    if (url !== undefined && written.exec(url)?.[1] !== name) throw usage('--url and the path name different devices.');
    return { url: `${privateScheme}//${name}`, segments: segmentsOf(below ?? '/') };
  }
  if (url === undefined) throw usage('Say which device: --url rstrm://NAME', 'List the devices with: rstream webtty list');
  return { url, segments: segmentsOf(path) };
}

/** True for a path that says by itself that it is on a device: `rstrm://NAME/PATH`, or `:PATH` with `--url`. */
export const isRemote = (path: string): boolean => written.test(path) || path.startsWith(':');

/** The two ends of a sync: exactly one of them is on a device. */
export function syncEnds(
  from: string,
  to: string,
  url: string | undefined,
): { direction: 'up' | 'down'; local: string; remote: RemoteLocation } {
  if (isRemote(from) === isRemote(to))
    throw usage('One of the two folders is here and one on a device.', 'Write the device’s as rstrm://NAME/PATH, or as :PATH with --url.');
  const [local, remote, direction] = isRemote(to) ? ([from, to, 'up'] as const) : ([to, from, 'down'] as const);
  return { direction, local, remote: remoteLocation(remote.replace(/^:/, ''), url) };
}
