import { BinaryReader, WireType, type BinaryWriter } from '@bufbuild/protobuf/wire';

/** How one protobuf value is written and read. A message codec is nested; {@link encodeWith} and {@link decodeWith} are the top level. */
export interface Codec<T> {
  readonly wire: WireType;
  write(writer: BinaryWriter, value: T): void;
  read(reader: BinaryReader): T;
}

/** A field that is always present: proto3 leaves the default value off the wire. */
export interface OneField<T> {
  readonly mode: 'one';
  readonly no: number;
  readonly codec: Codec<T>;
  readonly initial: T;
}
/** A field with presence: a sub-message or a member of a oneof. */
export interface MaybeField<T> {
  readonly mode: 'maybe';
  readonly no: number;
  readonly codec: Codec<T>;
}
export interface ManyField<T> {
  readonly mode: 'many';
  readonly no: number;
  readonly codec: Codec<T>;
}
type Field<T> = OneField<T> | MaybeField<T> | ManyField<T>;

/* A codec of T is both a source and a sink of T, so only `any` lets one table hold codecs of different types. */
// oxlint-disable-next-line typescript/no-explicit-any
type Shape = Readonly<Record<string, Field<any>>>;

type Present<F> = F extends OneField<infer T> ? T : F extends ManyField<infer T> ? readonly T[] : never;
type Simplify<T> = { readonly [K in keyof T]: T[K] } & {};

/** The TypeScript value of a message shape. */
export type ValueOf<S extends Shape> = Simplify<
  { [K in keyof S as S[K]['mode'] extends 'maybe' ? never : K]: Present<S[K]> } & {
    [K in keyof S as S[K]['mode'] extends 'maybe' ? K : never]?: S[K] extends MaybeField<infer T> ? T : never;
  }
>;

export const bool: Codec<boolean> = {
  wire: WireType.Varint,
  write: (writer, value) => void writer.bool(value),
  read: (reader) => reader.bool(),
};
export const uint32: Codec<number> = {
  wire: WireType.Varint,
  write: (writer, value) => void writer.uint32(value),
  read: (reader) => reader.uint32(),
};
export const int32: Codec<number> = {
  wire: WireType.Varint,
  write: (writer, value) => void writer.int32(value),
  read: (reader) => reader.int32(),
};
/** A count as a JavaScript number: exact up to 2^53, which is 8 PiB when it counts bytes. */
export const uint64: Codec<number> = {
  wire: WireType.Varint,
  write: (writer, value) => void writer.uint64(value),
  read: (reader) => Number(reader.uint64()),
};
export const string: Codec<string> = {
  wire: WireType.LengthDelimited,
  write: (writer, value) => void writer.string(value),
  read: (reader) => reader.string(),
};
/** Read as a view of the message buffer: nothing is copied, so the buffer lives as long as the view. */
export const bytes: Codec<Uint8Array> = {
  wire: WireType.LengthDelimited,
  write: (writer, value) => void writer.bytes(value),
  read: (reader) => reader.bytes(),
};
/** An empty message, of which only the presence says something. */
export const presence: Codec<true> = {
  wire: WireType.LengthDelimited,
  write: (writer) => void writer.uint32(0),
  read: (reader) => {
    reader.bytes();
    return true;
  },
};

export const one = <T>(no: number, codec: Codec<T>, initial: T): OneField<T> => ({ mode: 'one', no, codec, initial });
export const maybe = <T>(no: number, codec: Codec<T>): MaybeField<T> => ({ mode: 'maybe', no, codec });
export const many = <T>(no: number, codec: Codec<T>): ManyField<T> => ({ mode: 'many', no, codec });

/**
 * Codec of a message. `oneof` lists the fields of which the last one on the wire wins. Unknown fields, and known ones with
 * another wire type, are skipped: that is how newer peers stay readable.
 */
export function message<const S extends Shape>(shape: S, oneof: readonly (keyof S & string)[] = []): Codec<ValueOf<S>> {
  const fields = new Map(Object.entries(shape).map(([name, field]) => [field.no, { name, field }]));
  const start = (): Record<string, unknown> => {
    const value: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(shape)) {
      if (field.mode === 'one') value[name] = field.initial;
      if (field.mode === 'many') value[name] = [];
    }
    return value;
  };
  const readFields = (reader: BinaryReader): ValueOf<S> => {
    const value = start();
    while (reader.pos < reader.len) {
      const [no, wire] = reader.tag();
      const known = fields.get(no);
      if (known === undefined) {
        reader.skip(wire, no);
        continue;
      }
      if (oneof.includes(known.name)) for (const member of oneof) delete value[member];
      readField(reader, wire, { ...known, into: value });
    }
    return value as ValueOf<S>;
  };
  return {
    wire: WireType.LengthDelimited,
    read: (reader) => readFields(new BinaryReader(reader.bytes())),
    write: (writer, value) => {
      writer.fork();
      const given: Readonly<Record<string, unknown>> = value;
      for (const [name, field] of Object.entries(shape)) writeField(writer, field, given[name]);
      writer.join();
    },
  };
}

interface FieldTarget {
  readonly name: string;
  readonly field: Field<unknown>;
  readonly into: Record<string, unknown>;
}

function readField(reader: BinaryReader, wire: WireType, { name, field, into }: FieldTarget): void {
  if (field.mode === 'many' && wire === WireType.LengthDelimited && field.codec.wire === WireType.Varint) {
    const packed = new BinaryReader(reader.bytes());
    while (packed.pos < packed.len) (into[name] as unknown[]).push(field.codec.read(packed));
  } else if (wire !== field.codec.wire) {
    reader.skip(wire, field.no);
  } else if (field.mode === 'many') {
    (into[name] as unknown[]).push(field.codec.read(reader));
  } else {
    into[name] = field.codec.read(reader);
  }
}

function writeField(writer: BinaryWriter, field: Field<unknown>, value: unknown): void {
  if (value === undefined || (field.mode === 'one' && value === field.initial)) return;
  if (field.mode !== 'many') {
    writer.tag(field.no, field.codec.wire);
    field.codec.write(writer, value);
    return;
  }
  const items = value as readonly unknown[];
  if (items.length === 0) return;
  if (field.codec.wire === WireType.Varint) {
    writer.tag(field.no, WireType.LengthDelimited).fork();
    for (const item of items) field.codec.write(writer, item);
    writer.join();
    return;
  }
  for (const item of items) {
    writer.tag(field.no, field.codec.wire);
    field.codec.write(writer, item);
  }
}
