/** @jsxImportSource preact */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TerminalView } from './terminal-view.ts';

/** Finds text in the terminal and above it. */
export function SearchBox({ view, onClose }: { readonly view: TerminalView; readonly onClose: () => void }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [isFound, setFound] = useState(true);
  useEffect(() => input.current?.focus(), []);
  const find = (wanted: string, direction: 'next' | 'previous' | 'incremental'): void =>
    setFound(wanted === '' || view.search(wanted, direction));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onClose();
    if (event.key === 'Enter') find(text, event.shiftKey ? 'previous' : 'next');
  };
  return (
    <div class="search" role="search">
      <input
        ref={input}
        type="text"
        aria-label="Search in the terminal"
        placeholder="Search"
        value={text}
        class={isFound ? '' : 'missing'}
        onKeyDown={onKeyDown}
        onInput={(event) => {
          setText(event.currentTarget.value);
          find(event.currentTarget.value, 'incremental');
        }}
      />
      <button type="button" aria-label="Previous match" onClick={() => find(text, 'previous')}>
        ↑
      </button>
      <button type="button" aria-label="Next match" onClick={() => find(text, 'next')}>
        ↓
      </button>
      <button type="button" aria-label="Close the search" onClick={onClose}>
        ✕
      </button>
      <span class="unseen" role="status">
        {isFound ? '' : 'No match'}
      </span>
    </div>
  );
}
