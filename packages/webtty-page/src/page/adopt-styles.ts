/**
 * xterm.js writes `<style>` elements and `style` attributes, which the page's policy refuses: with them allowed, markup that got into
 * the page could style it. The same rules are let in as what a script may always do: style sheets that it adopts, and the
 * style object of an element.
 */
export function adoptStyles(document: Document): void {
  const create = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions): HTMLElement =>
    name.toLowerCase() === 'style' ? adoptedStyle(document, create('div')) : create(name, options);
  // Called on the element that it is asked of, below.
  // oxlint-disable-next-line typescript/unbound-method
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (this: Element, name: string, value: string): void {
    if (name === 'style' && this instanceof HTMLElement) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}

/** A hidden element whose text is a style sheet of the document for as long as it is in use. */
function adoptedStyle(document: Document, element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  const remove = element.remove.bind(element);
  element.hidden = true;
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((adopted) => adopted !== sheet);
    remove();
  };
  const write = (css: string): void => {
    sheet.replaceSync(css);
  };
  Object.defineProperty(element, 'textContent', { get: () => '', set: write });
  // VS Code's scroll bars look for the sheet of their element.
  Object.defineProperty(element, 'sheet', { value: sheet });
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  return element;
}
