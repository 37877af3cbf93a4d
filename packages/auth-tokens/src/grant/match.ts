import type { Filter, Match } from '@rstream/protocol/claims';
import { branchesOf } from '../resources.ts';
import { matchesPattern } from './pattern.ts';

/** Properties of a tunnel, as requested or as the inventory shows them. */
export type TunnelFields = Readonly<Record<string, unknown>>;
/** A filter made ready: true when the tunnel passes. */
export type TunnelTest = (tunnel: TunnelFields) => boolean;
type ValueTest = (value: unknown) => boolean;

// What a property means when it is absent, so that a filter on it gives the answer that the opened tunnel would.
const absent: TunnelFields = {
  publish: true,
  token_auth: false,
  rstream_auth: false,
  challenge_mode: false,
  mtls_auth: false,
  upstream_tls: false,
  http_use_tls: false,
};

/** Compiles a match. A missing value never matches; a list matches when it has entries and all of them match. */
export function compileMatch(match: Match): ValueTest {
  const one = compileScalar(match);
  return (value) => (Array.isArray(value) ? value.length > 0 && value.every(one) : one(value));
}

function compileScalar(match: Match): ValueTest {
  if (typeof match !== 'object') return (value) => value === match;
  if ('exact' in match) return (value) => value === match.exact;
  if ('oneof' in match) {
    const values = new Set<unknown>(match.oneof);
    return (value) => values.has(value);
  }
  return (value) => (typeof value === 'string' || typeof value === 'number') && matchesPattern(match.regex, String(value));
}

/** Compiles a filter: all fields and labels of a leaf must match; AND and OR as they say. */
export function compileFilter(filter: Filter): TunnelTest {
  const branches = branchesOf(filter);
  if (branches !== undefined) {
    const tests = branches.nodes.map(compileFilter);
    return branches.every ? (tunnel) => tests.every((test) => test(tunnel)) : (tunnel) => tests.some((test) => test(tunnel));
  }
  const { labels, ...fields } = filter as Record<string, Match> & { labels?: Record<string, Match> };
  const tests = [...Object.entries(fields).map(([name, match]) => fieldTest(name, match)), ...Object.entries(labels ?? {}).map(labelTest)];
  return (tunnel) => tests.every((test) => test(tunnel));
}

function fieldTest(name: string, match: Match): TunnelTest {
  const test = compileMatch(match);
  // Deprecated name of the same property.
  const property = name === 'http_use_tls' ? 'upstream_tls' : name;
  return (tunnel) => test(Object.hasOwn(tunnel, property) ? (tunnel[property] ?? absent[property]) : absent[property]);
}

function labelTest([key, match]: [string, Match]): TunnelTest {
  const test = compileMatch(match);
  return ({ labels }) => typeof labels === 'object' && labels !== null && Object.hasOwn(labels, key) && test((labels as TunnelFields)[key]);
}
