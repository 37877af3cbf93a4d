import * as fc from 'fast-check';
import type { Enum, Field, Type } from 'protobufjs';
import type { Json } from './python-peer.ts';

/* What follows from the schema alone: random messages in protobuf's JSON form, and what our codec must make of them. */

/** Sub-messages that our codec passes on as bytes, since only their owner looks inside. */
const opaque = new Set(['SessionKeyGrant', 'EncryptedPayload']);
const nested = (field: Field): Type | undefined => {
  const type = field.resolvedType;
  return type !== null && 'fieldsArray' in type ? type : undefined;
};
const isOpen = (field: Field): boolean => field.partOf !== null;

/** Random messages of a type: every field, every member of every oneof, also unknown enum numbers and empty values. */
export function arbitraryMessage(type: Type): fc.Arbitrary<Json> {
  const plain = type.fieldsArray.filter((field) => !isOpen(field));
  const fields = fc.record(Object.fromEntries(plain.map((field) => [field.name, arbitraryField(field)])), { requiredKeys: [] });
  const members = type.oneofsArray.map((oneof) => fc.oneof(...oneof.fieldsArray.map((field) => member(field))));
  return fc.tuple(fields, ...members).map((parts) => Object.assign({}, ...parts) as Json);
}

const member = (field: Field): fc.Arbitrary<Json> => arbitraryValue(field).map((value) => ({ [field.name]: value }));
const arbitraryField = (field: Field): fc.Arbitrary<unknown> =>
  field.repeated ? fc.array(arbitraryValue(field), { maxLength: 3 }) : arbitraryValue(field);

function arbitraryValue(field: Field): fc.Arbitrary<unknown> {
  const type = nested(field);
  if (type !== undefined) return arbitraryMessage(type);
  switch (field.type) {
    case 'bool':
      return fc.boolean();
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 20 });
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));
    case 'int32':
      return fc.integer();
    case 'uint32':
      return fc.nat(0xffff_ffff);
    default:
      return fc.constantFrom(...Object.values((field.resolvedType as Enum).values));
  }
}

/** The JSON form without what proto3 leaves off the wire, so that two forms of one message are equal. */
export function withoutDefaults(type: Type, value: Json): Json {
  const entries = type.fieldsArray.flatMap((field): [string, unknown][] => {
    const given = value[field.name];
    if (given === undefined) return [];
    const inner = nested(field);
    const clean = (one: unknown): unknown => (inner === undefined ? one : withoutDefaults(inner, one as Json));
    if (field.repeated) return (given as unknown[]).length === 0 ? [] : [[field.name, (given as unknown[]).map(clean)]];
    if (inner === undefined && !isOpen(field) && (given === 0 || given === '' || given === false)) return [];
    return [[field.name, clean(given)]];
  });
  return Object.fromEntries(entries);
}

/** What our codec makes of a message of a published peer: the naive other way round, from the schema. */
export function asOurs(type: Type, value: Json): Json {
  const entries = type.fieldsArray.flatMap((field): [string, unknown][] => {
    const given = value[field.name];
    if (field.repeated) return [[field.name, ((given ?? []) as unknown[]).map((one) => ourValue(field, one))]];
    if (given !== undefined) return [[field.name, ourValue(field, given)]];
    const initial =
      { bool: false, string: '', int32: 0, uint32: 0 }[field.type] ?? (field.resolvedType === null || nested(field) ? undefined : 0);
    return initial === undefined || isOpen(field) ? [] : [[field.name, initial]];
  });
  return Object.fromEntries(entries);
}

function ourValue(field: Field, given: unknown): unknown {
  const type = nested(field);
  if (field.type === 'bytes') return new Uint8Array(Buffer.from(given as string, 'base64'));
  if (type === undefined) return given;
  if (type.name === 'Eos') return true;
  if (opaque.has(type.name)) return new Uint8Array(type.encode(type.fromObject(given as Json)).finish());
  return asOurs(type, given as Json);
}

/** Paths of all fields below a type, and of those that a value sets. */
export function fieldPaths(type: Type, value?: Json, prefix = ''): string[] {
  return type.fieldsArray.flatMap((field) => {
    const given = value?.[field.name];
    if (value !== undefined && given === undefined) return [];
    const path = `${prefix}${field.name}`;
    const inner = nested(field);
    if (inner === undefined) return [path];
    const values = value === undefined ? [undefined] : ((field.repeated ? given : [given]) as Json[]);
    return [path, ...values.flatMap((one) => fieldPaths(inner, one, `${path}.`))];
  });
}
