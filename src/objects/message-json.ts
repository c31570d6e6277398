import { emptyLeaf, leafJson } from './_leaf-json.ts';
import { unpacked, wireFields, wireValue } from '../lib/protobuf-wire.ts';
import { WireReader, wire } from '../lib/wire-reader.ts';
import type { Json, JsonObject } from './json.ts';
import type { Field, MessageType } from './kubernetes-types.ts';

/**
 * A message as Kubernetes' Go types write it in JSON: what is left out and what is null, what stands inside and what beside. What the types do not know is left out, and noted in `unknown`:
 * "spec field 99". Throws a RangeError or a SyntaxError where the bytes are none of that type.
 */
export function messageJson(type: MessageType, bytes: Buffer, unknown: Set<string>): JsonObject {
  return message(type, new WireReader(bytes), unknown, '');
}

function message(type: MessageType, reader: WireReader, unknown: Set<string>, path: string): JsonObject {
  const { places, absent } = learntOf(type);
  const found: (Json | undefined)[] = [];
  while (reader.more) {
    const tag = reader.tag();
    const place = places[tag >>> 3];
    if (place === undefined) {
      unknown.add(`${path === '' ? '' : `${path} `}field ${tag >>> 3}`);
      wireValue(reader, tag);
    } else {
      const field = type.fields[place]!;
      found[place] = field.shape === 'one' ? oneJson(field, reader, tag, unknown, path) : more(field, reader, tag, found[place], unknown, path);
    }
  }
  const json: Record<string, Json> = {};
  for (let place = 0; place < absent.length; place++) {
    if (found[place] !== undefined) write(json, type.fields[place]!, found[place]!);
    else if (absent[place] !== 'left out') write(json, type.fields[place]!, absent[place] === 'null' ? null : emptyOf(type.fields[place]!));
  }
  return json;
}

interface Learnt {
  /** By the number of a field, where it stands in its type. */
  readonly places: readonly (number | undefined)[];
  /** By that place, what is written of a field that is not there. */
  readonly absent: readonly ('left out' | 'null' | 'empty')[];
}

const learnt = new WeakMap<MessageType, Learnt>();

/** Once of each type: most fields of most messages are not there. */
function learntOf(type: MessageType): Learnt {
  const known = learnt.get(type);
  if (known) return known;
  const places: (number | undefined)[] = [];
  for (const [place, { number }] of type.fields.entries()) places[number] = place;
  const one = { places, absent: type.fields.map(absentOf) };
  learnt.set(type, one);
  return one;
}

/** As encoding/json of Go does it: a struct is never empty. */
function absentOf({ shape, kind, pointer, omitEmpty, omitZero }: Field): Learnt['absent'][number] {
  if (pointer || shape !== 'one' || kind === 'bytes') return omitEmpty ? 'left out' : 'null';
  if (kind === 'message') return 'empty';
  const empty = emptyLeaf(kind);
  return (omitZero && empty === null) || (omitEmpty && (empty === '' || empty === 0 || empty === false) && isScalar(kind)) ? 'left out' : 'empty';
}

/** A list or a map with what came of the same field before. */
function more(field: Field, reader: WireReader, tag: number, before: Json | undefined, unknown: Set<string>, path: string): Json {
  const one = (value: Buffer | bigint): Json => (field.kind === 'message' ? message(field.message!, new WireReader(lengthy(value)), unknown, below(field, path)) : leafJson(field.kind, value));
  if (field.shape === 'list') {
    const list = (before ?? []) as Json[];
    // Numbers may come packed.
    if ((tag & 7) === wire.length && (field.kind === 'int64' || field.kind === 'int32' || field.kind === 'bool')) list.push(...unpacked(reader.bytes()).map(one));
    else if (field.wrapped) list.push(...items(wireValue(reader, tag), one));
    else list.push(oneJson(field, reader, tag, unknown, path));
    return list;
  }
  const map = (before ?? {}) as Record<string, Json>;
  let [key, content]: [string, Json | undefined] = ['', undefined];
  for (const entry of wireFields(lengthy(wireValue(reader, tag)))) {
    if (entry.number === 1) key = lengthy(entry.value).toString();
    if (entry.number === 2) content = field.wrapped ? items(entry.value, one) : one(entry.value);
  }
  put(map, key, content ?? (field.kind === 'bytes' ? '' : field.wrapped ? [] : emptyOf(field)));
  return map;
}

function items(value: Buffer | bigint, one: (value: Buffer | bigint) => Json): Json[] {
  return [...wireFields(lengthy(value))].filter(({ number }) => number === 1).map((item) => one(item.value));
}

function oneJson(field: Field, reader: WireReader, tag: number, unknown: Set<string>, path: string): Json {
  if (field.kind === 'message') {
    if ((tag & 7) !== wire.length) throw new RangeError('a number stands where a message should be');
    return reader.within(() => message(field.message!, reader, unknown, below(field, path)));
  }
  if (field.kind === 'string' && (tag & 7) === wire.length) return reader.text();
  return leafJson(field.kind, wireValue(reader, tag));
}

function below({ name }: Field, path: string): string {
  return name === '' ? path : path === '' ? name : `${path}.${name}`;
}

function lengthy(value: Buffer | bigint): Buffer {
  if (typeof value === 'bigint') throw new RangeError('a number stands where a message should be');
  return value;
}

function isScalar(kind: Field['kind']): boolean {
  return ['string', 'bool', 'int32', 'int64', 'float64'].includes(kind);
}

function write(json: Record<string, Json>, { name, shape, kind, pointer, omitEmpty, omitZero }: Field, value: Json): void {
  if (name === '') {
    for (const [key, inner] of Object.entries(value as JsonObject)) put(json, key, inner);
    return;
  }
  if (omitZero && value === null) return;
  if (omitEmpty && shape === 'one' && (value === '' || value === 0 || value === false) && (kind === 'bytes' || (!pointer && isScalar(kind)))) return;
  json[name] = value;
}

function emptyOf(field: Field): Json {
  return field.kind === 'message' ? messageJson(field.message!, Buffer.alloc(0), new Set()) : emptyLeaf(field.kind);
}

/** Names that users choose may be any. */
function put(json: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(json, key, { value, enumerable: true, configurable: true, writable: true });
  else json[key] = value;
}
