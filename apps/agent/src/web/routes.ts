/** What a browser may ask a device for. Everything else is not found. */
export type Route =
  | { readonly kind: 'page'; readonly shareId?: string | undefined }
  | { readonly kind: 'asset'; readonly name: string }
  /** WebTTY over a WebSocket; one with a share id lets its client do nothing but look at that share. */
  | { readonly kind: 'socket'; readonly shareId?: string | undefined }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'mounted'; readonly path: string }
  | { readonly kind: 'none' };

/** Shares and assets as the page names them. A token that is limited to `/share/<id>/` gets the page, its assets and its socket there. */
const SHARE = /^\/share\/([\w-]{1,64})(?:(\/)(.*))?$/s;
const ASSET = /^\/?_rstream\/webtty\/([\w-]{1,64}\.(?:js|css))$/;

/** Reads a request target. `isUpgrade`: the request asks for a WebSocket. */
export function routeOf(target: string, { isUpgrade }: { readonly isUpgrade: boolean }): Route {
  const path = target.replace(/[?#].*$/s, '');
  const [, shareId, slash, rest = ''] = SHARE.exec(path) ?? [];
  if (shareId !== undefined) return shareRoute(shareId, slash === undefined ? undefined : rest, isUpgrade);
  if (path === '/') return { kind: isUpgrade ? 'socket' : 'page' };
  const asset = ASSET.exec(path)?.[1];
  if (asset !== undefined && !isUpgrade) return { kind: 'asset', name: asset };
  return isUpgrade ? { kind: 'none' } : { kind: 'mounted', path };
}

function shareRoute(shareId: string, rest: string | undefined, isUpgrade: boolean): Route {
  if (isUpgrade) return rest === 'socket' ? { kind: 'socket', shareId } : { kind: 'none' };
  // What the page names is relative to its folder.
  if (rest === undefined) return { kind: 'redirect', location: `/share/${shareId}/` };
  if (rest === '') return { kind: 'page', shareId };
  const asset = ASSET.exec(rest)?.[1];
  return asset === undefined ? { kind: 'none' } : { kind: 'asset', name: asset };
}
