import { Buffer } from 'node:buffer';

type Json = Readonly<Record<string, unknown>>;

const size = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

/** Head and tail of a text, with the number of characters that were left out between them. */
export function headAndTail(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const head = Math.ceil(characters / 2);
  const tail = characters - head;
  return `${text.slice(0, head)}\n[… ${text.length - characters} characters left out …]\n${tail === 0 ? '' : text.slice(-tail)}`;
}

/**
 * The value with its largest field shortened, again and again, until its JSON has at most `maxBytes`. Text keeps head and tail
 * (base64 only a decodable head), lists their first items. `truncated` and, where the value has it, `<field>_truncated` become
 * true; totals are fields of their own and stay exact.
 */
export function fit(value: Json, maxBytes: number): Json {
  const fitted: Record<string, unknown> = { ...value };
  for (let excess = size(fitted) - maxBytes; excess > 0; excess = size(fitted) - maxBytes) {
    const [field, item] = largest(fitted);
    if (field === undefined) break;
    const shorter = shorten(item, excess, value['encoding'] === 'base64');
    // A field that cannot shrink any further would keep the loop going for ever.
    if (size(shorter) >= size(item)) break;
    fitted[field] = shorter;
    fitted['truncated'] = true;
    if (`${field}_truncated` in fitted) fitted[`${field}_truncated`] = true;
  }
  return fitted;
}

function largest(value: Json): readonly [string | undefined, unknown] {
  const [first] = Object.entries(value)
    .filter(([, item]) => typeof item === 'string' || (Array.isArray(item) && item.length > 0))
    .toSorted(([, a], [, b]) => size(b) - size(a));
  return first ?? [undefined, undefined];
}

function shorten(item: unknown, excess: number, base64: boolean): unknown {
  if (Array.isArray(item)) {
    const perItem = size(item) / item.length;
    return item.slice(0, Math.max(0, item.length - Math.max(1, Math.ceil(excess / perItem))));
  }
  const text = String(item);
  if (base64) return text.slice(0, Math.floor(Math.max(0, text.length - excess) / 4) * 4);
  // One character may cost several bytes of JSON; the marker itself needs room too.
  const density = size(text) / text.length;
  return headAndTail(text, Math.max(0, Math.floor(text.length - (excess + 64) / density)));
}
