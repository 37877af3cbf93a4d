import { expect, it } from 'vitest';
import { noModifiers, sequenceOf, withModifiers, type BarKey, type Modifiers } from '../src/page/keys.ts';

const ctrl: Modifiers = { ctrl: true, alt: false };
const alt: Modifiers = { ctrl: false, alt: true };
const both: Modifiers = { ctrl: true, alt: true };

it.each<[BarKey, Modifiers, boolean, string]>([
  ['Esc', noModifiers, false, '\u001B'],
  ['Tab', noModifiers, false, '\t'],
  ['↑', noModifiers, false, '\u001B[A'],
  ['↓', noModifiers, true, '\u001BOB'],
  ['→', ctrl, true, '\u001B[1;5C'],
  ['←', alt, false, '\u001B[1;3D'],
  ['Home', noModifiers, false, '\u001B[H'],
  ['End', noModifiers, true, '\u001BOF'],
  ['PgUp', noModifiers, true, '\u001B[5~'],
  ['PgDn', both, false, '\u001B[6;7~'],
  ['|', noModifiers, false, '|'],
  ['/', ctrl, false, '\u001F'],
  ['-', alt, false, '\u001B-'],
])('%s with %o (application cursor keys: %s) is sent as xterm sends it', (key, modifiers, application, sent) => {
  expect(sequenceOf(key, modifiers, application)).toBe(sent);
});

it.each([
  ['c', ctrl, '\u0003'],
  ['C', ctrl, '\u0003'],
  ['[', ctrl, '\u001B'],
  [' ', ctrl, '\u0000'],
  ['b', alt, '\u001Bb'],
  ['x', both, '\u001B\u0018'],
  ['ż', ctrl, 'ż'],
  ['pasted text', ctrl, 'pasted text'],
  ['a', noModifiers, 'a'],
])('typed %j with %o becomes %j', (text, modifiers, sent) => {
  expect(withModifiers(text, modifiers)).toBe(sent);
});
