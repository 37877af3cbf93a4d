import { limits } from '@rstream/protocol';
import { SaxesParser } from 'saxes';
import { Failure } from './failure.ts';

/** An element of a request body, by namespace and local name. */
export interface XmlElement {
  readonly uri: string;
  readonly local: string;
  readonly attributes: readonly { readonly uri: string; readonly local: string; readonly value: string }[];
  readonly children: (XmlElement | string)[];
}

/** The namespace of WebDAV itself. */
export const DAV = 'DAV:';
const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

/**
 * Parses a request body. Throws 400 for anything but well-formed UTF-8 XML with declared namespaces, for any document type (and with
 * it any entity), and for more or deeper elements than the limits say.
 */
export function parseXml(body: Uint8Array): XmlElement {
  const refuse = (message: string): never => {
    throw new Failure(400, message);
  };
  const parser = new SaxesParser({ xmlns: true });
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  parser.on('error', () => refuse('The body is not well-formed XML.'));
  parser.on('doctype', () => refuse('The body must not declare a document type.'));
  parser.on('opentag', (tag) => {
    elements += 1;
    if (elements > limits.webdav.xmlElements.default || open.length >= limits.webdav.xmlDepth.default)
      refuse('The body has too many elements.');
    const attributes = Object.values(tag.attributes)
      .filter(({ prefix, name }) => prefix !== 'xmlns' && name !== 'xmlns')
      .map(({ uri, local, value }) => ({ uri, local, value }));
    const element: XmlElement = { uri: tag.uri, local: tag.local, attributes, children: [] };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const onText = (text: string): void => void open.at(-1)?.children.push(text);
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => void open.pop());
  parser.write(decodeUtf8(body)).close();
  return root ?? refuse('The body is empty.');
}

function decodeUtf8(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new Failure(400, 'The body is not UTF-8.');
  }
}

/** Child elements, optionally only those with this name in the WebDAV namespace. */
export function elementsOf(parent: XmlElement, local?: string): XmlElement[] {
  const all = parent.children.filter((child) => typeof child !== 'string');
  return local === undefined ? all : all.filter((child) => isDav(child, local));
}

/** True for the element `local` of WebDAV. */
export const isDav = (element: XmlElement, local: string): boolean => element.uri === DAV && element.local === local;

/** All text inside, without elements. */
export const textOf = (element: XmlElement): string =>
  element.children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');

/** The value of `xml:lang`, if given. */
export const languageOf = (element: XmlElement): string | undefined =>
  element.attributes.find(({ uri, local }) => uri === XML_NAMESPACE && local === 'lang')?.value;

// What XML 1.0 cannot hold, even escaped: control characters and two non-characters. Lone surrogates are mended before.
// oxlint-disable-next-line no-control-regex
const impossible = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };

/** Text for element content or an attribute; what XML cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(impossible, '\ufffd')
    .replace(/[&<>"\r]/g, (character) => escapes[character] ?? character);
}

/** An element as a text that declares every namespace it uses, so that it can be put anywhere. */
export function writeElement(element: XmlElement, inherited: { readonly language?: string | undefined } = {}): string {
  const name = element.uri === '' ? element.local : `x:${element.local}`;
  const namespace = element.uri === '' ? ' xmlns=""' : ` xmlns:x="${escapeXml(element.uri)}"`;
  const language =
    languageOf(element) === undefined && inherited.language !== undefined ? ` xml:lang="${escapeXml(inherited.language)}"` : '';
  const attributes = element.attributes.map((attribute, index) => {
    const value = `"${escapeXml(attribute.value)}"`;
    if (attribute.uri === '') return ` ${attribute.local}=${value}`;
    if (attribute.uri === XML_NAMESPACE) return ` xml:${attribute.local}=${value}`;
    return ` xmlns:a${index}="${escapeXml(attribute.uri)}" a${index}:${attribute.local}=${value}`;
  });
  const head = `${name}${namespace}${language}${attributes.join('')}`;
  if (element.children.length === 0) return `<${head}/>`;
  return `<${head}>${element.children.map((child) => (typeof child === 'string' ? escapeXml(child) : writeElement(child))).join('')}</${name}>`;
}
