/** What a tab remembers of its session. A reload continues it; one that has ended is never followed by another unasked. */
export type KeptSession =
  | { readonly state: 'none' }
  | { readonly state: 'running'; readonly id: string; readonly secret: string | undefined }
  | { readonly state: 'ended'; readonly words: string };

const NAME = 'rstream.session';

/** Keeps the session of this tab in its own storage, which other tabs do not see and which goes with it. */
export class SessionKeeper {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

  constructor(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>) {
    this.#storage = storage;
  }

  read(): KeptSession {
    const text = this.#storage.getItem(NAME);
    if (text === null) return { state: 'none' };
    return parse(text);
  }

  keep(session: KeptSession): void {
    if (session.state === 'none') this.#storage.removeItem(NAME);
    else this.#storage.setItem(NAME, JSON.stringify(session));
  }
}

/** Whoever can write the storage of this origin is the page itself, of this or another version. */
function parse(text: string): KeptSession {
  try {
    const value = JSON.parse(text) as Partial<Record<string, unknown>> | null;
    const { state, id, secret, words } = value ?? {};
    const known = typeof secret === 'string' ? secret : undefined;
    if (state === 'running' && typeof id === 'string') return { state, id, secret: known };
    if (state === 'ended' && typeof words === 'string') return { state, words };
  } catch {
    // Not ours.
  }
  return { state: 'none' };
}
