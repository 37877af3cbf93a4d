import { closeSync, futimesSync } from 'node:fs';
import { limits } from '@rstream/protocol';
import { toHref } from '../address.ts';
import { sendText, statusXml, XML_HEAD, XML_TYPE } from '../answer.ts';
import { readBody } from '../body.ts';
import { entryAt, existing, openFile, type Entry } from '../entry.ts';
import type { Exchange } from '../exchange.ts';
import { Failure } from '../failure.ts';
import { guardOf } from '../guard.ts';
import { isLive } from '../live-properties.ts';
import { propertyName } from '../property-table.ts';
import type { Place } from '../root.ts';
import { DAV, elementsOf, escapeXml, isDav, languageOf, parseXml, textOf, writeElement, type XmlElement } from '../xml.ts';

interface Instruction {
  readonly kind: 'set' | 'remove';
  readonly property: XmlElement;
  readonly language: string | undefined;
}

/** PROPPATCH: all instructions, or none. `DAV:lastmodified` in seconds sets the time of a file, as ownCloud clients do. */
export async function proppatch(exchange: Exchange): Promise<void> {
  const { request, response, shared, address } = exchange;
  const guard = guardOf(exchange);
  const instructions = parseUpdate(await readBody(request, limits.webdav.xmlBytes.default));
  await shared.root.with(address.segments, {}, (place) => {
    const entry = existing(place);
    guard.assertHolds(place.key, entry);
    guard.assertUnlocked({ key: place.key });
    const refused = instructions.filter(({ property: { uri, local } }) => isLive(uri, local));
    if (refused.length === 0) apply(exchange, place, entry, instructions);
    const href = escapeXml(toHref(shared.prefix, address.segments, entry.kind === 'folder'));
    const stats = refused.length === 0 ? stat(instructions, 200) : refusal(instructions, refused);
    const text = `${XML_HEAD}<D:multistatus xmlns:D="DAV:"><D:response><D:href>${href}</D:href>${stats}</D:response></D:multistatus>\n`;
    sendText(response, 207, { type: XML_TYPE, text });
  });
}

function apply({ shared }: Exchange, place: Place, entry: Entry, instructions: readonly Instruction[]): void {
  const properties = new Map(shared.properties.of(place.key));
  let time: number | undefined;
  for (const { kind, property, language } of instructions) {
    const name = propertyName(property.uri, property.local);
    if (isTime(property) && kind === 'set' && entry.kind === 'file') time = secondsOf(property);
    else if (kind === 'set') properties.set(name, writeElement(property, { language }));
    else properties.delete(name);
  }
  shared.properties.put(place.key, properties);
  if (time === undefined) return;
  const { fd } = openFile(place.folder, place.name);
  try {
    futimesSync(fd, time, time);
  } finally {
    closeSync(fd);
  }
  const after = entryAt(place);
  if (after !== undefined) shared.checksums.carry(entry.etag, after.etag);
}

const isTime = ({ uri, local }: XmlElement): boolean => uri === DAV && local === 'lastmodified';

function secondsOf(property: XmlElement): number {
  const text = textOf(property).trim();
  if (!/^\d{1,11}(\.\d{1,9})?$/.test(text)) throw new Failure(400, 'The time is not a number of seconds.');
  return Number(text);
}

const emptied = ({ property }: Instruction): string => writeElement({ ...property, attributes: [], children: [] });
const stat = (instructions: readonly Instruction[], status: number, extra = ''): string =>
  `<D:propstat><D:prop>${instructions.map(emptied).join('')}</D:prop>${statusXml(status)}${extra}</D:propstat>`;

function refusal(instructions: readonly Instruction[], refused: readonly Instruction[]): string {
  const others = instructions.filter((instruction) => !refused.includes(instruction));
  const first = stat(refused, 403, '<D:error><D:cannot-modify-protected-property/></D:error>');
  return others.length === 0 ? first : first + stat(others, 424);
}

function parseUpdate(body: Buffer): Instruction[] {
  const root = parseXml(body);
  if (!isDav(root, 'propertyupdate')) throw new Failure(400, 'The body is no propertyupdate element.');
  const instructions = elementsOf(root).flatMap((step) => {
    const kind = isDav(step, 'set') ? 'set' : isDav(step, 'remove') ? 'remove' : undefined;
    if (kind === undefined) return [];
    return elementsOf(step, 'prop').flatMap((prop) => {
      const language = languageOf(prop) ?? languageOf(step) ?? languageOf(root);
      return elementsOf(prop).map((property): Instruction => ({ kind, property, language }));
    });
  });
  if (instructions.length === 0) throw new Failure(400, 'The propertyupdate element changes nothing.');
  return instructions;
}
