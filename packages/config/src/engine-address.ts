/**
 * An engine address in one spelling, to compare two: `https://Host/` and `host:443` are the same engine. Not for connecting.
 */
export function normalizeEngine(engine: string): string {
  const [, scheme, rest] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/]*)/i.exec(engine.trim()) ?? [];
  const authority = (rest ?? '').toLowerCase();
  if (/:\d+$/.test(authority)) return authority;
  return `${authority}:${scheme?.toLowerCase() === 'http' ? 80 : 443}`;
}
