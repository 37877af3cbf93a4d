/** @jsxImportSource preact */
import { render } from 'preact';
import { adoptStyles } from './adopt-styles.ts';
import { takeAddress } from './address.ts';
import { App } from './app.tsx';

// Before anything else looks at the address: no error report or script of a later version may see its secrets.
const address = takeAddress({ location, history, storage: sessionStorage });
adoptStyles(document);
const root = document.querySelector('#app');
if (root !== null) render(<App address={address} />, root);
