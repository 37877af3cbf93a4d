/** @jsxImportSource preact */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageSession, SessionState } from './session.ts';

/** Something that happens only if the person at the page says so, or has to be read. */
export type Offer =
  | { readonly kind: 'clipboard'; readonly text: string }
  | { readonly kind: 'link'; readonly uri: string }
  | { readonly kind: 'share'; readonly link: string; readonly expiresAt: Date }
  | { readonly kind: 'message'; readonly words: string };

/** Characters that are shown of what a program offers. */
const SHOWN = 500;

interface NoticeProps {
  readonly state: SessionState;
  readonly offer: Offer | undefined;
  readonly isShare: boolean;
  readonly session: PageSession;
  readonly onDone: () => void;
}

/** What is to be said or decided now: the most pressing thing first. */
export function NoticeBar({ state, offer, isShare, session, onDone }: NoticeProps): JSX.Element | null {
  const { phase, asking } = state;
  if (phase.kind === 'ended') {
    return (
      <Notice words={phase.words}>
        {!isShare && <Action words="Start a new session" isMain onClick={() => void session.startAfresh()} />}
      </Notice>
    );
  }
  if (phase.kind === 'failed') {
    return (
      <Notice words={`${phase.error.message} ${phase.error.next}`} isAlert>
        <Action words="Try again" isMain onClick={() => void session.start()} />
        {!isShare && <Action words="Start a new session" onClick={() => void session.startAfresh()} />}
      </Notice>
    );
  }
  if (asking !== undefined) {
    return (
      <Notice words={`Viewer ${asking} asks for control of this terminal.`} isAlert>
        <Action words="Hand over" isMain onClick={() => session.answerControl(true)} />
        <Action words="Refuse" onClick={() => session.answerControl(false)} />
      </Notice>
    );
  }
  return offer === undefined ? null : <OfferNotice offer={offer} onDone={onDone} />;
}

function OfferNotice({ offer, onDone }: { readonly offer: Offer; readonly onDone: () => void }): JSX.Element {
  switch (offer.kind) {
    case 'clipboard':
      return (
        <Notice words={`The program wants to put ${offer.text.length} characters on your clipboard.`} detail={offer.text.slice(0, SHOWN)}>
          <Action
            words="Allow"
            isMain
            onClick={() =>
              void navigator.clipboard
                .writeText(offer.text)
                .catch(() => undefined)
                .then(onDone)
            }
          />
          <Action words="Refuse" onClick={onDone} />
        </Notice>
      );
    case 'link':
      return (
        <Notice words="Open this link?" detail={offer.uri}>
          <a class="action main" href={offer.uri} target="_blank" rel="noopener noreferrer" onClick={onDone}>
            Open
          </a>
          <Action words="Cancel" onClick={onDone} />
        </Notice>
      );
    case 'share':
      return <ShareNotice offer={offer} onDone={onDone} />;
    case 'message':
      return (
        <Notice words={offer.words}>
          <Action words="Close" isMain onClick={onDone} />
        </Notice>
      );
  }
  return offer satisfies never;
}

function ShareNotice({ offer, onDone }: { readonly offer: Offer & { kind: 'share' }; readonly onDone: () => void }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void =>
    void navigator.clipboard.writeText(offer.link).then(
      () => setCopied(true),
      () => undefined,
    );
  const until = offer.expiresAt.toLocaleString();
  return (
    <Notice
      words={`Shows this session, read-only, until ${until}. Whoever opens it needs a token for this address, too.`}
      detail={offer.link}
    >
      <Action words={isCopied ? 'Copied' : 'Copy'} isMain onClick={copy} />
      <Action words="Close" onClick={onDone} />
    </Notice>
  );
}

interface NoticeParts {
  readonly words: string;
  readonly detail?: string;
  readonly isAlert?: boolean;
  readonly children: ComponentChildren;
}

function Notice({ words, detail, isAlert = false, children }: NoticeParts): JSX.Element {
  return (
    <section class="notice" role={isAlert ? 'alert' : 'status'}>
      <p>
        {words}
        {detail !== undefined && <code>{detail}</code>}
      </p>
      <div class="actions">{children}</div>
    </section>
  );
}

interface ActionParts {
  readonly words: string;
  readonly isMain?: boolean;
  readonly onClick: () => void;
}

function Action({ words, isMain = false, onClick }: ActionParts): JSX.Element {
  return (
    <button type="button" class={isMain ? 'action main' : 'action'} onClick={onClick}>
      {words}
    </button>
  );
}
