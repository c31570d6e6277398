import { emptyLeaf, leafReader } from './_leaf-json.ts';
import { WireReader, wire } from '../lib/wire-reader.ts';
import type { Json, JsonObject } from './json.ts';
import type { Field, MessageType, Scalar } from './kubernetes-types.ts';

/**
 * A message as Kubernetes' Go types write it in JSON, put into `json`: what is left out and what is null, what stands inside and what beside. What the types do not know is left out, and noted in
 * `unknown`: "spec field 99". Throws a RangeError or a SyntaxError where the bytes are none of that type.
 */
export function readMessage(type: MessageType, reader: WireReader, unknown: string[], json: MutableObject): void {
  planOf(type).read(reader, unknown, json);
}

/** It belongs to who asked for it. */
export type MutableObject = Record<string, Json>;

/** Reads one occurrence of a field; `before` is what came of it until then. */
type Read = (reader: WireReader, tag: number, unknown: string[], before: Json | undefined) => Json;

/** What is to be done for a type, found out once: most fields of most messages are not there. */
class Plan {
  readonly #fields: readonly PlannedField[];
  /** By the number of a field, where it stands in its type. */
  readonly #places: readonly (number | undefined)[];

  constructor({ fields }: MessageType) {
    const places: (number | undefined)[] = [];
    for (const [place, { number }] of fields.entries()) places[number] = place;
    this.#places = places;
    this.#fields = fields.map((field) => ({ name: field.name, omitted: omittedOf(field), absent: absentOf(field), read: readerOf(field) }));
  }

  /** Until the reader has no more. */
  read(reader: WireReader, unknown: string[], json: MutableObject): MutableObject {
    const fields = this.#fields;
    const found: (Json | undefined)[] = [];
    while (reader.more) {
      const tag = reader.tag();
      const place = this.#places[tag >>> 3];
      if (place === undefined) {
        unknown.push(`field ${tag >>> 3}`);
        reader.skip(tag);
      } else found[place] = fields[place]!.read(reader, tag, unknown, found[place]);
    }
    for (let place = 0; place < fields.length; place++) {
      const { name, omitted, absent } = fields[place]!;
      let value = found[place];
      if (value === undefined) {
        if (absent === undefined) continue;
        value = absent();
      }
      if (name === '') for (const [key, inner] of Object.entries(value as JsonObject)) put(json, key, inner);
      else if (value !== omitted) json[name] = value;
    }
    return json;
  }
}

interface PlannedField {
  readonly name: string;
  /** Is left out though it is there; undefined where nothing is. */
  readonly omitted: Json | undefined;
  /** What is written where it is not there; undefined where nothing is. */
  readonly absent: (() => Json) | undefined;
  readonly read: Read;
}

const plans = new WeakMap<MessageType, Plan>();

/** When it is first asked for: types name each other in circles. */
function planOf(type: MessageType): Plan {
  const known = plans.get(type);
  if (known) return known;
  const plan = new Plan(type);
  plans.set(type, plan);
  return plan;
}

/** As encoding/json of Go does it: a struct is never empty. */
function absentOf(field: Field): PlannedField['absent'] {
  const { shape, kind, pointer, omitEmpty } = field;
  if (pointer || shape !== 'one' || kind === 'bytes') return omitEmpty ? undefined : () => null;
  const empty = kind === 'message' ? undefined : emptyLeaf(kind);
  return empty !== undefined && empty === omittedOf(field) ? undefined : emptyOf(field);
}

/** The value of a field that Go leaves out. */
function omittedOf({ shape, kind, pointer, omitEmpty, omitZero }: Field): Json | undefined {
  if (omitEmpty && shape === 'one' && (kind === 'bytes' || (!pointer && isScalar(kind)))) return kind === 'bytes' ? '' : emptyLeaf(kind);
  return omitZero ? null : undefined;
}

function isScalar(kind: Field['kind']): kind is Exclude<Scalar, 'bytes'> {
  return ['string', 'bool', 'int32', 'int64', 'float64'].includes(kind);
}

function emptyOf({ kind, message }: Field): () => Json {
  return kind === 'message' ? () => planOf(message!).read(new WireReader(Buffer.alloc(0)), [], {}) : () => emptyLeaf(kind);
}

function readerOf(field: Field): Read {
  const one = field.kind === 'message' ? messageReader(field) : leafReader(field.kind);
  if (field.shape === 'one') return one;
  return field.shape === 'list' ? listReader(field, one) : mapReader(field, one);
}

function messageReader({ name, message }: Field): Read {
  let plan: Plan | undefined;
  return (reader, tag, unknown) => {
    if ((tag & 7) !== wire.length) throw new RangeError('a number stands where a message should be');
    plan ??= planOf(message!);
    const noted = unknown.length;
    const outer = reader.enter();
    const json = plan.read(reader, unknown, {});
    reader.leave(outer);
    if (name !== '') for (let at = noted; at < unknown.length; at++) unknown[at] = below(name, unknown[at]!);
    return json;
  };
}

/** "field 99" of spec: "spec field 99", and of "spec field 99" in template: "template.spec field 99". */
function below(name: string, noted: string): string {
  return noted.startsWith('field ') ? `${name} ${noted}` : `${name}.${noted}`;
}

function listReader({ kind, wrapped }: Field, one: Read): Read {
  if (wrapped) return (reader, tag, unknown, before) => items(reader, tag, unknown, one, before as Json[] | undefined);
  const packs = kind === 'int64' || kind === 'int32' || kind === 'bool';
  return (reader, tag, unknown, before) => {
    const list = (before ?? []) as Json[];
    if (!packs || (tag & 7) !== wire.length) list.push(one(reader, tag, unknown, undefined));
    else {
      const outer = reader.enter();
      while (reader.more) list.push(one(reader, wire.varint, unknown, undefined));
      reader.leave(outer);
    }
    return list;
  };
}

/** A list in a message of its own, as field 1. */
function items(reader: WireReader, tag: number, unknown: string[], one: Read, before: Json[] | undefined): Json[] {
  const list = before ?? [];
  each(reader, tag, (number, inner) => {
    if (number === 1) list.push(one(reader, inner, unknown, undefined));
    else reader.skip(inner);
  });
  return list;
}

function mapReader(field: Field, one: Read): Read {
  const text = leafReader('string');
  const empty = field.wrapped ? () => [] : field.kind === 'bytes' ? () => '' : emptyOf(field);
  return (reader, tag, unknown, before) => {
    const map = (before ?? {}) as MutableObject;
    let [key, content]: [string, Json | undefined] = ['', undefined];
    each(reader, tag, (number, inner) => {
      if (number === 1) key = text(reader, inner) as string;
      else if (number === 2) content = field.wrapped ? items(reader, inner, unknown, one, undefined) : one(reader, inner, unknown, undefined);
      else reader.skip(inner);
    });
    put(map, key, content ?? empty());
    return map;
  };
}

/** Gives the fields of the message that comes next. */
function each(reader: WireReader, tag: number, look: (number: number, tag: number) => void): void {
  if ((tag & 7) !== wire.length) throw new RangeError('a number stands where a message should be');
  const outer = reader.enter();
  while (reader.more) {
    const inner = reader.tag();
    look(inner >>> 3, inner);
  }
  reader.leave(outer);
}

/** Names that users choose may be any. */
function put(json: MutableObject, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(json, key, { value, enumerable: true, configurable: true, writable: true });
  else json[key] = value;
}
