/** @jsxImportSource preact */
import type { JSX } from 'preact';
import { barKeys, type BarKey, type Modifiers } from './keys.ts';

/** Keys that touch keyboards lack. They must not take the focus: the keyboard of the phone would go away. */
export function KeyBar({ modifiers, onPress }: { readonly modifiers: Modifiers; readonly onPress: (key: BarKey) => void }): JSX.Element {
  const isHeld = (key: BarKey): boolean => (key === 'Ctrl' && modifiers.ctrl) || (key === 'Alt' && modifiers.alt);
  return (
    <div class="keys" role="toolbar" aria-label="Keys">
      {barKeys.map(([key, words]) => (
        <button
          key={key}
          type="button"
          aria-label={words}
          aria-pressed={key === 'Ctrl' || key === 'Alt' ? isHeld(key) : undefined}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onPress(key)}
        >
          {key}
        </button>
      ))}
    </div>
  );
}
