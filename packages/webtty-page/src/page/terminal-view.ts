import { ClipboardAddon, type IClipboardProvider } from '@xterm/addon-clipboard';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal, type ITheme } from '@xterm/xterm';
import type { TerminalViewport } from '@rstream/webtty-client';
import { noModifiers, sequenceOf, withModifiers, type BarKey, type Modifiers } from './keys.ts';
import type { Screen } from './session.ts';

export interface ViewEvents {
  onInput(bytes: Uint8Array): void;
  onResize(size: TerminalViewport): void;
  onTitle(title: string): void;
  onModifiers(modifiers: Modifiers): void;
  /** The program wants to fill the clipboard. */
  onClipboard(text: string): void;
  /** A link was clicked; `isSure` when a modifier was held. */
  onLink(uri: string, isSure: boolean): void;
  onSearch(): void;
}

export interface ViewOptions {
  readonly fontSize: number;
  readonly isDark: boolean;
  readonly isTouch: boolean;
}

const SCROLLBACK = 10_000;
const FONT = 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';
const dark: ITheme = { background: '#0d1117', foreground: '#e6edf3', cursor: '#e6edf3', selectionBackground: '#264f78' };
const light: ITheme = {
  background: '#ffffff',
  foreground: '#1f2328',
  cursor: '#1f2328',
  selectionBackground: '#add6ff',
  black: '#24292f',
  red: '#cf222e',
  green: '#116329',
  yellow: '#7d4e00',
  blue: '#0969da',
  magenta: '#8250df',
  cyan: '#1b7c83',
  white: '#6e7781',
  brightBlack: '#57606a',
  brightRed: '#a40e26',
  brightGreen: '#1a7f37',
  brightYellow: '#633c01',
  brightBlue: '#218bff',
  brightMagenta: '#a475f9',
  brightCyan: '#3192aa',
  brightWhite: '#8c959f',
};

/** The terminal on the page: xterm.js and its parts, told what a page wants of them. */
export class TerminalView implements Screen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #events: ViewEvents;
  readonly #encoder = new TextEncoder();
  #modifiers: Modifiers = noModifiers;
  readonly #isTouch: boolean;
  #followed: TerminalViewport | undefined;

  constructor(events: ViewEvents, { fontSize, isDark, isTouch }: ViewOptions) {
    this.#events = events;
    this.#isTouch = isTouch;
    this.#terminal = new Terminal({
      allowProposedApi: true,
      scrollback: SCROLLBACK,
      fontSize,
      fontFamily: FONT,
      theme: isDark ? dark : light,
      cursorBlink: true,
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
      linkHandler: { activate: (event, uri) => this.#onLink(event, uri), allowNonHttpProtocols: false },
    });
    const terminal = this.#terminal;
    for (const addon of [this.#fit, this.#search, new Unicode11Addon(), new ClipboardAddon(undefined, this.#clipboard())])
      terminal.loadAddon(addon);
    terminal.loadAddon(new WebLinksAddon((event, uri) => this.#onLink(event, uri)));
    terminal.unicode.activeVersion = '11';
    terminal.onData((text) => this.#onText(text));
    terminal.onBinary((text) => events.onInput(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    terminal.onTitleChange((title) => events.onTitle(title));
    terminal.onResize(() => {
      if (this.#followed === undefined) events.onResize(this.size);
    });
    terminal.attachCustomKeyEventHandler((event) => this.#onKey(event));
  }

  /** Shows the terminal in an element and keeps it as large as that. Returns what takes it away. */
  mount(element: HTMLElement): () => void {
    this.#terminal.open(element);
    this.#accelerate();
    this.#fitNow();
    const observer = new ResizeObserver(() => this.#fitNow());
    observer.observe(element);
    this.focus();
    return () => {
      observer.disconnect();
      this.#terminal.dispose();
    };
  }

  get size(): TerminalViewport {
    const { rows, cols } = this.#terminal;
    return { rows, columns: cols };
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(chunk, resolve));
  }

  follow(size: TerminalViewport | undefined): void {
    this.#followed = size;
    if (size === undefined) {
      this.#fitNow();
      this.#events.onResize(this.size);
    } else this.#terminal.resize(size.columns, size.rows);
  }

  reset(): void {
    this.#terminal.reset();
  }

  focus(): void {
    this.#terminal.focus();
  }

  paste(text: string): void {
    this.#terminal.paste(text);
  }

  /** A key of the touch bar: a modifier waits for the next key, the others are sent. */
  press(key: BarKey): void {
    const { ctrl, alt } = this.#modifiers;
    if (key === 'Ctrl') this.#setModifiers({ ctrl: !ctrl, alt });
    else if (key === 'Alt') this.#setModifiers({ ctrl, alt: !alt });
    else {
      this.#terminal.input(sequenceOf(key, this.#takeModifiers(), this.#terminal.modes.applicationCursorKeysMode));
    }
    this.focus();
  }

  setFontSize(size: number): void {
    this.#terminal.options.fontSize = size;
    this.#fitNow();
  }

  setDark(isDark: boolean): void {
    this.#terminal.options.theme = isDark ? dark : light;
  }

  setScreenReader(isOn: boolean): void {
    this.#terminal.options.screenReaderMode = isOn;
  }

  /** Typing goes nowhere; the cursor says so. */
  setReadOnly(isReadOnly: boolean): void {
    this.#terminal.options.disableStdin = isReadOnly;
    this.#terminal.options.cursorBlink = !isReadOnly;
  }

  /** False when there is no match. */
  search(text: string, direction: 'next' | 'previous' | 'incremental'): boolean {
    if (direction === 'previous') return this.#search.findPrevious(text);
    return this.#search.findNext(text, { incremental: direction === 'incremental' });
  }

  endSearch(): void {
    this.#search.clearDecorations();
    this.focus();
  }

  /**
   * The graphics processor draws where it can; when it goes away, the page draws by itself. Phones take it away from every page in
   * the background, and have less to draw than it takes to come back from that.
   */
  #accelerate(): void {
    if (this.#isTouch) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.#terminal.loadAddon(webgl);
    } catch {
      // No WebGL 2 here.
    }
  }

  #fitNow(): void {
    if (this.#followed === undefined) this.#fit.fit();
  }

  #onText(text: string): void {
    this.#events.onInput(this.#encoder.encode(withModifiers(text, this.#takeModifiers())));
  }

  #takeModifiers(): Modifiers {
    const modifiers = this.#modifiers;
    if (modifiers !== noModifiers) this.#setModifiers(noModifiers);
    return modifiers;
  }

  #setModifiers(modifiers: Modifiers): void {
    this.#modifiers = modifiers;
    this.#events.onModifiers(modifiers);
  }

  /** False: the page or the browser has the key, and the terminal does not. */
  #onKey(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey) return true;
    switch (event.code) {
      case 'KeyF':
        event.preventDefault();
        this.#events.onSearch();
        return false;
      case 'KeyC':
        event.preventDefault();
        if (this.selection !== '') void navigator.clipboard.writeText(this.selection).catch(() => undefined);
        return false;
      case 'KeyV':
        // The browser pastes, and xterm takes it from there.
        return false;
      default:
        return true;
    }
  }

  #onLink(event: MouseEvent, uri: string): void {
    this.#events.onLink(uri, event.ctrlKey || event.metaKey);
  }

  /** A program may offer text for the clipboard; it never gets to read what is there. */
  #clipboard(): IClipboardProvider {
    return { readText: () => '', writeText: (_selection, text) => this.#events.onClipboard(text) };
  }
}
