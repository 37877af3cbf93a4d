import { createHash, type Hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { limits } from '@rstream/protocol';
import { Failure } from './failure.ts';

interface Expected {
  readonly hash: Hash;
  /** Hexadecimal; undefined when only the sum is wanted. */
  readonly digest: string | undefined;
  /** The name that ownCloud clients know the algorithm by, when its sum is remembered. */
  readonly label: string | undefined;
}

const ownCloudNames: Readonly<Record<string, string>> = { SHA1: 'sha1', MD5: 'md5', SHA256: 'sha256' };
/** Computed whenever a client sends a checksum: clients compare by either of them, whichever they sent. */
const remembered = ['SHA1', 'MD5'];
const fieldNames: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };

function fromOwnCloud(header: unknown): Expected[] {
  const [, type = '', digest = ''] = typeof header === 'string' ? (/^([a-z0-9]+):([0-9a-f]+)$/i.exec(header.trim()) ?? []) : [];
  const given = type.toUpperCase();
  if (!Object.hasOwn(ownCloudNames, given)) return [];
  return [...new Set([...remembered, given])].map((label) => ({
    hash: createHash(ownCloudNames[label] ?? 'sha1'),
    digest: label === given ? digest.toLowerCase() : undefined,
    label,
  }));
}

function fromField(header: unknown): Expected[] {
  const text = typeof header === 'string' ? header : '';
  return [...text.matchAll(/([a-z0-9-]+)=:([a-z0-9+/=]*):/gi)].flatMap(([, name = '', value = '']) => {
    const algorithm = fieldNames[name.toLowerCase()];
    return algorithm === undefined
      ? []
      : [{ hash: createHash(algorithm), digest: Buffer.from(value, 'base64').toString('hex'), label: undefined }];
  });
}

/** What the headers of an upload promise about its bytes: `OC-Checksum`, and the fields of RFC 9530. Unknown algorithms are left out. */
export class PromisedDigests {
  readonly #expected: readonly Expected[];

  constructor(headers: IncomingHttpHeaders) {
    this.#expected = [
      ...fromOwnCloud(headers['oc-checksum']),
      ...fromField(headers['content-digest']),
      ...fromField(headers['repr-digest']),
    ];
  }
  update(chunk: Uint8Array): void {
    for (const { hash } of this.#expected) hash.update(chunk);
  }
  /** Throws 400 when a digest differs. Returns the checksums to remember, as `SHA1:<hex> MD5:<hex>`, if one was given as `OC-Checksum`. */
  verify(): string | undefined {
    const sums: string[] = [];
    for (const { hash, digest, label } of this.#expected) {
      const sum = hash.digest('hex');
      if (digest !== undefined && sum !== digest) throw new Failure(400, 'The body is not what its checksum says.');
      if (label !== undefined) sums.push(`${label}:${sum}`);
    }
    return sums.length === 0 ? undefined : sums.join(' ');
  }
}

/** Checksums of uploaded files by entity tag, which names one state of one file; the oldest are forgotten first. */
export class ChecksumTable {
  readonly #byTag = new Map<string, string>();

  get(etag: string): string | undefined {
    return this.#byTag.get(etag);
  }
  set(etag: string, checksum: string | undefined): void {
    if (checksum === undefined) return;
    const oldest = this.#byTag.size >= limits.webdav.checksums.default ? this.#byTag.keys().next().value : undefined;
    if (oldest !== undefined) this.#byTag.delete(oldest);
    this.#byTag.set(etag, checksum);
  }
  /** After a change that keeps the bytes but not the tag (a rename, another time). */
  carry(from: string, to: string): void {
    this.set(to, this.#byTag.get(from));
    this.#byTag.delete(from);
  }
}
