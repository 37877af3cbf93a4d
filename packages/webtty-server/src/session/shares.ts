import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { limits, RstreamError } from '@rstream/protocol';

const SECRET_BYTES = 32;

interface Share {
  readonly secret: Buffer;
  readonly expiresAt: number;
  readonly timer: NodeJS.Timeout;
}

/** The read-only shares of one session: each expires, and can be revoked. Both end the viewers that came with it. */
export class Shares {
  readonly #shares = new Map<string, Share>();
  readonly #onEnd: (shareId: string) => void;

  constructor(onEnd: (shareId: string) => void) {
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#shares.size;
  }

  has(shareId: string): boolean {
    return this.#shares.has(shareId);
  }

  /** Makes a share. @throws RstreamError `ERR_RSTREAM_DEVICE_BUSY` */
  create(ttlMs: number): { readonly shareId: string; readonly secret: Buffer; readonly expiresAt: number } {
    if (this.#shares.size >= limits.webtty.maxShares.default) {
      throw new RstreamError('ERR_RSTREAM_DEVICE_BUSY', `A session has at most ${limits.webtty.maxShares.default} shares.`, {
        next: 'Revoke one of them first.',
      });
    }
    const most = limits.webtty.maxShareTime.default;
    const life = ttlMs === 0 ? most : Math.min(ttlMs, most);
    const shareId = `shr_${randomUUID().replaceAll('-', '')}`;
    const share = { secret: randomBytes(SECRET_BYTES), expiresAt: Date.now() + life, timer: setTimeout(() => this.revoke(shareId), life) };
    this.#shares.set(shareId, share);
    return { shareId, secret: share.secret, expiresAt: share.expiresAt };
  }

  /** The share that a secret opens. */
  find(secret: Uint8Array): string | undefined {
    if (secret.byteLength !== SECRET_BYTES) return undefined;
    for (const [shareId, share] of this.#shares) if (timingSafeEqual(secret, share.secret)) return shareId;
    return undefined;
  }

  /** False when there is no such share. */
  revoke(shareId: string): boolean {
    const share = this.#shares.get(shareId);
    if (share === undefined) return false;
    clearTimeout(share.timer);
    this.#shares.delete(shareId);
    this.#onEnd(shareId);
    return true;
  }

  clear(): void {
    for (const shareId of this.#shares.keys()) this.revoke(shareId);
  }
}
