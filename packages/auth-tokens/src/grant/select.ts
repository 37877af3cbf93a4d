/** Fields of an inventory row that may be seen: only these, or all but these. */
export interface FieldSet {
  readonly only: boolean;
  readonly fields: ReadonlySet<string>;
}

/** Every field. */
export const everyField: FieldSet = { only: false, fields: new Set() };

/** Reads a `select` claim: when any field is true, only those; else all but the false ones. */
export function fieldSet(select: Readonly<Record<string, boolean>> | undefined): FieldSet {
  if (select === undefined) return everyField;
  const chosen = Object.keys(select).filter((field) => select[field] === true);
  return chosen.length > 0 ? { only: true, fields: new Set(chosen) } : { only: false, fields: new Set(Object.keys(select)) };
}

type Names = ReadonlySet<string>;
const both = (a: Names, b: Names): Names => new Set([...a].filter((name) => b.has(name)));
const either = (a: Names, b: Names): Names => new Set([...a, ...b]);
const without = (a: Names, b: Names): Names => new Set([...a].filter((name) => !b.has(name)));

/** Fields in both. */
export function intersectFields(a: FieldSet, b: FieldSet): FieldSet {
  if (a.only) return { only: true, fields: b.only ? both(a.fields, b.fields) : without(a.fields, b.fields) };
  return b.only ? intersectFields(b, a) : { only: false, fields: either(a.fields, b.fields) };
}

/** Fields in either. */
export function uniteFields(a: FieldSet, b: FieldSet): FieldSet {
  if (a.only) return b.only ? { only: true, fields: either(a.fields, b.fields) } : uniteFields(b, a);
  return { only: false, fields: b.only ? without(a.fields, b.fields) : both(a.fields, b.fields) };
}

/** True when nothing is left to see. */
export function isBlind(set: FieldSet): boolean {
  return set.only && set.fields.size === 0;
}

/** As a decision carries it: all values true (only these) or all false (all but these); undefined = every field. */
export function selectOf(set: FieldSet): Record<string, boolean> | undefined {
  if (set.fields.size === 0) return undefined;
  return Object.fromEntries([...set.fields].map((field) => [field, set.only]));
}

/** A row with only the fields that `select` (of a decision) shows. */
export function selectFields<Row extends object>(row: Row, select: Readonly<Record<string, boolean>> | undefined): Partial<Row> {
  const { only, fields } = fieldSet(select);
  return Object.fromEntries(Object.entries(row).filter(([field]) => fields.has(field) === only)) as Partial<Row>;
}
