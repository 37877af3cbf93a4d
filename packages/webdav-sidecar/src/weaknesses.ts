import { statfsSync } from 'node:fs';
import type { Containment } from './folder.ts';

/** Something that is weaker on this machine than the sidecar promises elsewhere. */
export interface Weakness {
  readonly code: 'checked-paths' | 'network-filesystem' | 'unknown-filesystem';
  /** A sentence for the operator: what is weaker. */
  readonly message: string;
}

/** Types of `statfs(2)` whose files other machines or programs change behind the kernel's back. */
const remote: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB',
  0x01021997: '9P',
  0x65735546: 'FUSE',
  0x00c36400: 'Ceph',
  0x5346414f: 'AFS',
  0x73757245: 'Coda',
  0x01161970: 'GFS2',
  0x7461636f: 'OCFS2',
  0x0bd00bd0: 'Lustre',
};

/** What is weaker with paths that are held like this on a file system of this type; undefined: the type could not be asked. */
export function weaknessesOf(containment: Containment, fileSystemType: number | undefined): Weakness[] {
  const found: Weakness[] = [];
  if (containment === 'checked') {
    found.push({
      code: 'checked-paths',
      message: 'Folders cannot be held by descriptor here: a path that is swapped during a request is seen and refused only after it.',
    });
  }
  const name = fileSystemType === undefined ? undefined : remote[fileSystemType];
  if (name !== undefined) {
    found.push({
      code: 'network-filesystem',
      message: `The root is on ${name}: changes by others may be seen late, entity tags may repeat, and a flush or a rename is what the server makes of it.`,
    });
  }
  if (fileSystemType === undefined)
    found.push({ code: 'unknown-filesystem', message: 'The type of the file system of the root could not be asked.' });
  return found;
}

/** Type of the file system that holds `path`, as `statfs(2)` says; undefined when it cannot be asked. */
export function fileSystemTypeOf(path: string): number | undefined {
  try {
    // The field is signed on some machines.
    return statfsSync(path).type >>> 0;
  } catch {
    return undefined;
  }
}
