/** @jsxImportSource preact */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { PageAddress } from './address.ts';
import { KeyBar } from './key-bar.tsx';
import { SessionKeeper } from './kept-session.ts';
import { noModifiers, type Modifiers } from './keys.ts';
import { Menu } from './menu.tsx';
import { NoticeBar, type Offer } from './notices.tsx';
import { keepPreferences, readPreferences, type Preferences } from './preferences.ts';
import { SearchBox } from './search-box.tsx';
import { PageSession, type SessionState } from './session.ts';
import { StatusBar } from './status-bar.tsx';
import { claimSession } from './tab-claim.ts';
import { TerminalView } from './terminal-view.ts';

const darkQuery = matchMedia('(prefers-color-scheme: dark)');
const touchQuery = matchMedia('(pointer: coarse)');

/** The page: a terminal, what is to be said about it, and the keys and tools below. */
export function App({ address }: { readonly address: PageAddress }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [preferences, setPreferences] = useState<Preferences>(() => readPreferences(localStorage));
  const [modifiers, setModifiers] = useState<Modifiers>(noModifiers);
  const [offer, setOffer] = useState<Offer | undefined>();
  const [isSearching, setSearching] = useState(false);
  const [, setRevision] = useState(0);

  const { view, session } = useMemo(() => {
    const made: { session?: PageSession } = {};
    const terminal = new TerminalView(
      {
        onInput: (bytes) => made.session?.type(bytes),
        onResize: (size) => made.session?.resize(size),
        onTitle: (title) => (document.title = title === '' ? 'Terminal' : title),
        onModifiers: setModifiers,
        onClipboard: (text) => setOffer({ kind: 'clipboard', text }),
        onLink: (uri, isSure) => (isSure ? openLink(uri) : setOffer({ kind: 'link', uri })),
        onSearch: () => setSearching(true),
      },
      { fontSize: preferences.fontSize, isDark: darkQuery.matches, isTouch: touchQuery.matches },
    );
    const keeper = new SessionKeeper(sessionStorage);
    made.session = new PageSession({
      address,
      keeper,
      screen: terminal,
      claim: claimSession,
      onState: () => setRevision((revision) => revision + 1),
    });
    return { view: terminal, session: made.session };
    // Made once: the page lives as long as its address.
  }, []);

  useEffect(() => {
    if (place.current === null) return undefined;
    const unmount = view.mount(place.current);
    const stopWatching = watchBrowser(view, session);
    void session.start();
    return () => {
      stopWatching();
      unmount();
    };
  }, []);

  const { state } = session;
  useEffect(() => view.setReadOnly(isReadOnly(state)), [isReadOnly(state)]);
  // A session that was just asked for is typed into next.
  useEffect(() => {
    if (state.phase.kind === 'connecting') view.focus();
  }, [state.phase.kind]);
  useEffect(() => {
    view.setFontSize(preferences.fontSize);
    view.setScreenReader(preferences.screenReader);
    keepPreferences(preferences, localStorage);
  }, [preferences]);

  const hasKeys = preferences.keyBar ?? touchQuery.matches;
  const isShare = address.share !== undefined;
  return (
    <div class="page">
      <main class="terminal" aria-label="Terminal" ref={place} />
      {isSearching && (
        <SearchBox
          view={view}
          onClose={() => {
            setSearching(false);
            view.endSearch();
          }}
        />
      )}
      <NoticeBar
        state={state}
        offer={offer}
        isShare={isShare}
        session={session}
        onDone={() => {
          setOffer(undefined);
          view.focus();
        }}
      />
      {hasKeys && !isReadOnly(state) && <KeyBar modifiers={modifiers} onPress={(key) => view.press(key)} />}
      <StatusBar state={state} session={session} isShare={isShare}>
        <button type="button" title="Search (Ctrl+Shift+F)" aria-label="Search" onClick={() => setSearching(!isSearching)}>
          <Icon path="M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM10.6 10.6 14 14" />
        </button>
        <Menu
          view={view}
          session={session}
          isShare={isShare}
          preferences={{ ...preferences, keyBar: hasKeys }}
          onPreferences={setPreferences}
          onOffer={setOffer}
        />
      </StatusBar>
    </div>
  );
}

const isReadOnly = ({ role, phase }: SessionState): boolean => role !== 'controller' || phase.kind === 'ended' || phase.kind === 'failed';

function Icon({ path }: { readonly path: string }): JSX.Element {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6">
      <path d={path} />
    </svg>
  );
}

function openLink(uri: string): void {
  window.open(uri, '_blank', 'noopener,noreferrer');
}

/** What a browser tells of itself: its colours, that its network is back, and how much of it a touch keyboard leaves. */
function watchBrowser(view: TerminalView, session: PageSession): () => void {
  const end = new AbortController();
  const { signal } = end;
  darkQuery.addEventListener('change', () => view.setDark(darkQuery.matches), { signal });
  addEventListener('online', () => session.retryNow(), { signal });
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && session.retryNow(), { signal });
  const viewport = window.visualViewport;
  const place = (): void => document.documentElement.style.setProperty('--height', `${viewport?.height ?? innerHeight}px`);
  viewport?.addEventListener('resize', place, { signal });
  place();
  return () => end.abort();
}
