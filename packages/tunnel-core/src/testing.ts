/**
 * For tests of carriers and of what runs over sessions: the compliance suite (needs vitest), connected sessions, and loads.
 *
 * @example
 * ```ts
 * import { linkedPair } from '@rstream/tunnel-core';
 * import { sessionCompliance } from '@rstream/tunnel-core/testing';
 *
 * sessionCompliance('a linked pair', async () => ({ ends: linkedPair() }));
 * ```
 *
 * @module
 */
export { sessionCompliance } from './testing/compliance.ts';
export { sessionPair, type CarrierFactory, type PairOptions, type SessionPair } from './testing/session-pair.ts';
export { endError, receiveBytes, receiveText, sendBytes } from './testing/stream-load.ts';
