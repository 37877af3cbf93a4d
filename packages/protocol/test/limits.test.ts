import { describe, expect, it } from 'vitest';
import { limits } from '@rstream/protocol';
import type { Limit } from '@rstream/protocol/limits';

const rows = Object.entries<Readonly<Record<string, Limit>>>(limits).flatMap(([area, table]) =>
  Object.entries(table).map(([key, limit]): [string, Limit] => [`${area}.${key}`, limit]),
);

describe('a limit', () => {
  it.each(rows)('%s has a finite default, a unit and a sentence', (name, limit) => {
    expect(name).toMatch(/^[a-z]+\.[a-z][A-Za-z0-9]*$/);
    expect(limit.default).toSatisfy((value: number) => Number.isFinite(value) && value > 0);
    expect(Number.isInteger(limit.default) || limit.unit === 'factor').toBe(true);
    expect(limit.about).toMatch(/^[A-Z].*\.$/);
  });
});

describe('limits that depend on each other', () => {
  it('agree', () => {
    const { mux, relay, edge, tokens, carrier } = limits;
    expect(mux.maxWindow.default).toBeGreaterThanOrEqual(mux.initialWindow.default);
    expect(mux.sessionMemory.default).toBeGreaterThanOrEqual(mux.maxWindow.default - mux.initialWindow.default);
    expect(relay.controlMessageBytes.default).toBeGreaterThan(relay.openHeaderBytes.default);
    // A token must fit into a request head, also in the query.
    expect(edge.headBytes.default).toBeGreaterThan(2 * tokens.tokenCharacters.default);
    expect(tokens.delegatedTtl.default).toBeLessThanOrEqual(tokens.delegatedTtlMax.default);
    expect(carrier.reconnectMaxDelay.default).toBeGreaterThan(carrier.reconnectMinDelay.default);
  });

  it('notice a dead agent within ten seconds', () => {
    expect(limits.mux.keepaliveInterval.default + limits.mux.keepaliveTimeout.default).toBeLessThan(10_000);
  });
});
