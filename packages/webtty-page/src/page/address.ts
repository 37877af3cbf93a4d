/** What a read-only link opens. */
export interface ShareKey {
  readonly sessionId: string;
  /** base64url. */
  readonly secret: string;
}

/** What the address of the page asks for. */
export interface PageAddress {
  readonly socketUrl: string;
  /** The page belongs to a share: it looks, and can do nothing else. `key` is missing when the link was cut short. */
  readonly share: { readonly key: ShareKey | undefined } | undefined;
  /** A terminal of the visitor's own that runs already: `/#attach=<session>`. */
  readonly attach: string | undefined;
}

/** The parts of a browser that an address touches. */
export interface Surroundings {
  readonly location: Pick<Location, 'origin' | 'pathname' | 'hash' | 'search'>;
  readonly history: Pick<History, 'replaceState'>;
  readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
}

const SHARE_PATH = /^\/share\/[\w-]{1,64}\/$/;
const ATTACH = /^#attach=([\w-]{1,128})$/;
const SHARE_KEY = /^#([\w-]{1,128})\.([\w-]{1,128})$/;

/**
 * Reads the address and takes the secrets out of it: what stays in the address bar and in the history opens nothing. The secret of a
 * share is kept for this tab, so that a reload shows it again.
 */
export function takeAddress({ location, history, storage }: Surroundings): PageAddress {
  const { origin, pathname, hash, search } = location;
  const isShare = SHARE_PATH.test(pathname);
  const key = isShare ? takeShareKey(hash, pathname, storage) : undefined;
  // The relay has moved a token from the query to a cookie before the page came; whatever is still there is of no use.
  if (hash !== '' || search !== '') history.replaceState(null, '', pathname);
  const socketUrl = `${origin.replace(/^http/, 'ws')}${isShare ? `${pathname}socket` : '/'}`;
  return { socketUrl, share: isShare ? { key } : undefined, attach: isShare ? undefined : ATTACH.exec(hash)?.[1] };
}

function takeShareKey(hash: string, path: string, storage: Surroundings['storage']): ShareKey | undefined {
  const name = `rstream.share:${path}`;
  const text = SHARE_KEY.test(hash) ? hash : (storage.getItem(name) ?? '');
  const [, sessionId, secret] = SHARE_KEY.exec(text) ?? [];
  if (sessionId === undefined || secret === undefined) return undefined;
  storage.setItem(name, text);
  return { sessionId, secret };
}

/** The link that shows a share. */
export function shareLink(origin: string, shareId: string, { sessionId, secret }: ShareKey): string {
  return `${origin}/share/${shareId}/#${sessionId}.${secret}`;
}
