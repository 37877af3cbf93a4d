/** Keys that touch keyboards lack, in the order of the bar. */
export const barKeys = [
  ['Esc', 'Escape'],
  ['Tab', 'Tab'],
  ['Ctrl', 'Control, for the next key'],
  ['Alt', 'Alt, for the next key'],
  ['←', 'Left'],
  ['↑', 'Up'],
  ['↓', 'Down'],
  ['→', 'Right'],
  ['Home', 'Home'],
  ['End', 'End'],
  ['PgUp', 'Page up'],
  ['PgDn', 'Page down'],
  ['|', 'Pipe'],
  ['~', 'Tilde'],
  ['/', 'Slash'],
  ['-', 'Hyphen'],
] as const;
export type BarKey = (typeof barKeys)[number][0];

/** Modifiers that wait for the next key. */
export interface Modifiers {
  readonly ctrl: boolean;
  readonly alt: boolean;
}
export const noModifiers: Modifiers = { ctrl: false, alt: false };

const cursorKeys: Partial<Record<BarKey, string>> = { '↑': 'A', '↓': 'B', '→': 'C', '←': 'D', Home: 'H', End: 'F' };
const tildeKeys: Partial<Record<BarKey, number>> = { PgUp: 5, PgDn: 6 };
const plainKeys: Partial<Record<BarKey, string>> = { Esc: '\u001B', Tab: '\t' };

/** What a key of the bar sends, as xterm does it. `application`: the program asked for application cursor keys. */
export function sequenceOf(key: BarKey, modifiers: Modifiers, application: boolean): string {
  const modifier = 1 + (modifiers.alt ? 2 : 0) + (modifiers.ctrl ? 4 : 0);
  const cursor = cursorKeys[key];
  if (cursor !== undefined) return modifier > 1 ? `\u001B[1;${modifier}${cursor}` : `\u001B${application ? 'O' : '['}${cursor}`;
  const tilde = tildeKeys[key];
  if (tilde !== undefined) return modifier > 1 ? `\u001B[${tilde};${modifier}~` : `\u001B[${tilde}~`;
  return withModifiers(plainKeys[key] ?? key, modifiers);
}

/** Typed text with the waiting modifiers: Ctrl turns one letter or sign into a control character, Alt puts an escape in front. */
export function withModifiers(text: string, { ctrl, alt }: Modifiers): string {
  const typed = ctrl ? controlOf(text) : text;
  return alt ? `\u001B${typed}` : typed;
}

function controlOf(text: string): string {
  if (text === '/' || text === '-') return '\u001F';
  if (text === ' ') return '\u0000';
  if (text === '?') return '\u007F';
  const code = text.toUpperCase().charCodeAt(0);
  return text.length === 1 && code >= 64 && code <= 95 ? String.fromCharCode(code & 0x1f) : text;
}
