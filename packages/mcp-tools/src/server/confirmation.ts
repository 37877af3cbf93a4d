import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import { canonicalJson } from './canonical.ts';

/**
 * Who brings the answer. `elicitation`: the client's own dialogue with the user. `call`: a second tool call. A fingerprint of
 * one kind is never good for the other, or a model could confirm by itself what the user was to be asked.
 */
export type ConfirmationKind = 'elicitation' | 'call';

/** What a fingerprint stands for. */
export interface Confirmable {
  readonly kind: ConfirmationKind;
  readonly tool: string;
  readonly input: unknown;
}

/** Issues fingerprints that are good once, for exactly one call, until they expire. The key lives and dies with the process. */
export class Confirmations {
  readonly #key = randomBytes(32);
  /** Nonces that were issued and not used, oldest first. */
  readonly #pending = new Map<string, number>();
  readonly #ttlMs: number;
  readonly #now: () => number;

  constructor(options: { readonly ttlSeconds?: number; readonly now?: () => number } = {}) {
    this.#ttlMs = (options.ttlSeconds ?? mcpLimits.confirmationTtl.default) * 1000;
    this.#now = options.now ?? Date.now;
  }

  issue(what: Confirmable): { readonly fingerprint: string; readonly expiresAt: Date } {
    const nonce = randomBytes(12).toString('base64url');
    const expires = this.#now() + this.#ttlMs;
    this.#pending.set(nonce, expires);
    const [oldest] = this.#pending.keys();
    if (this.#pending.size > mcpLimits.pendingConfirmations.default && oldest !== undefined) this.#pending.delete(oldest);
    return { fingerprint: `${nonce}.${this.#mac(nonce, expires, what)}`, expiresAt: new Date(expires) };
  }

  /** Uses a fingerprint up. @throws RstreamError ERR_RSTREAM_CONFIRMATION_INVALID */
  redeem(fingerprint: string, what: Confirmable): void {
    const [nonce = '', mac = ''] = fingerprint.split('.', 2);
    const expires = this.#pending.get(nonce);
    if (expires === undefined || !same(mac, this.#mac(nonce, expires, what))) {
      throw new RstreamError('ERR_RSTREAM_CONFIRMATION_INVALID');
    }
    this.#pending.delete(nonce);
    if (expires <= this.#now()) throw new RstreamError('ERR_RSTREAM_CONFIRMATION_INVALID', 'The confirmation has expired.');
  }

  #mac(nonce: string, expires: number, what: Confirmable): string {
    return createHmac('sha256', this.#key)
      .update(canonicalJson({ nonce, expires, ...what }))
      .digest('base64url');
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
