/** @jsxImportSource preact */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { toRstreamError } from '@rstream/protocol';
import type { Offer } from './notices.tsx';
import { usableFont, type Preferences } from './preferences.ts';
import type { PageSession } from './session.ts';
import type { TerminalView } from './terminal-view.ts';

interface MenuProps {
  readonly view: TerminalView;
  readonly session: PageSession;
  readonly isShare: boolean;
  readonly preferences: Preferences;
  readonly onPreferences: (preferences: Preferences) => void;
  readonly onOffer: (offer: Offer) => void;
}

/** The tools that are not needed all the time. */
export function Menu(props: MenuProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const close = (event: PointerEvent): void => {
      if (event.target instanceof Node && box.current?.contains(event.target) !== true) setOpen(false);
    };
    addEventListener('pointerdown', close);
    return () => removeEventListener('pointerdown', close);
  }, [isOpen]);
  const leave = (): void => {
    setOpen(false);
    props.view.focus();
  };
  return (
    <div class="menu" ref={box} onKeyDown={(event) => event.key === 'Escape' && leave()}>
      <button type="button" aria-label="Tools" aria-haspopup="true" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        ⋯
      </button>
      {isOpen && (
        <div class="items">
          <Items {...props} onChosen={leave} />
        </div>
      )}
    </div>
  );
}

function Items({
  view,
  session,
  isShare,
  preferences,
  onPreferences,
  onOffer,
  onChosen,
}: MenuProps & { onChosen: () => void }): JSX.Element {
  const { fontSize, screenReader, keyBar } = preferences;
  const isReadOnly = session.state.role !== 'controller';
  const resize = (by: number): void => onPreferences({ ...preferences, fontSize: usableFont(fontSize + by) });
  const toggle = (change: Partial<Preferences>): void => {
    onPreferences({ ...preferences, ...change });
    onChosen();
  };
  return (
    <>
      <Item words="Copy" keys="Ctrl+Shift+C" onClick={() => void copy(view, onOffer).then(onChosen)} />
      {!isReadOnly && <Item words="Paste" keys="Ctrl+Shift+V" onClick={() => void paste(view, onOffer).then(onChosen)} />}
      <div class="row" role="group" aria-label="Font size">
        <button type="button" aria-label="Smaller font" onClick={() => resize(-1)}>
          A−
        </button>
        <span>{fontSize} px</span>
        <button type="button" aria-label="Larger font" onClick={() => resize(1)}>
          A+
        </button>
      </div>
      {!isReadOnly && <Item words="Key bar" isOn={keyBar === true} onClick={() => toggle({ keyBar: keyBar !== true })} />}
      <Item words="Screen reader" isOn={screenReader} onClick={() => toggle({ screenReader: !screenReader })} />
      {!isShare && !isReadOnly && session.state.phase.kind === 'online' && (
        <Item words="Share, read-only" onClick={() => void share(session, onOffer).then(onChosen)} />
      )}
    </>
  );
}

interface ItemParts {
  readonly words: string;
  readonly keys?: string;
  readonly isOn?: boolean;
  readonly onClick: () => void;
}

function Item({ words, keys, isOn, onClick }: ItemParts): JSX.Element {
  return (
    <button type="button" class="item" aria-pressed={isOn} onClick={onClick}>
      <span>{words}</span>
      <span class="hint">{isOn === undefined ? keys : isOn ? 'on' : 'off'}</span>
    </button>
  );
}

async function copy(view: TerminalView, onOffer: (offer: Offer) => void): Promise<void> {
  if (view.selection === '') return onOffer({ kind: 'message', words: 'Select some text first.' });
  try {
    await navigator.clipboard.writeText(view.selection);
  } catch {
    onOffer({ kind: 'message', words: 'The browser did not let the page use the clipboard.' });
  }
}

async function paste(view: TerminalView, onOffer: (offer: Offer) => void): Promise<void> {
  try {
    view.paste(await navigator.clipboard.readText());
  } catch {
    onOffer({
      kind: 'message',
      words: 'The browser did not let the page read the clipboard. Press Ctrl+Shift+V, or hold the terminal and paste.',
    });
  }
}

async function share(session: PageSession, onOffer: (offer: Offer) => void): Promise<void> {
  try {
    onOffer({ kind: 'share', ...(await session.share(location.origin)) });
  } catch (reason) {
    const { message, next } = toRstreamError(reason);
    onOffer({ kind: 'message', words: `${message} ${next}` });
  }
}
