/**
 * Whether a page of `origin` may open a WebSocket here. Programs send none. A browser sends its cookies, with the token in one, to
 * every page of the same site, and the tunnels of one relay are one site: only this very host may, and what the operator named.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const asking = new URL(origin);
  if (!/^https?:$/.test(asking.protocol)) return false;
  if (host !== undefined && URL.canParse(`${asking.protocol}//${host}`) && new URL(`${asking.protocol}//${host}`).host === asking.host)
    return true;
  return allowed.some((name) => name.toLowerCase() === asking.origin || name.toLowerCase() === asking.host);
}
