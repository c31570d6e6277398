import { emptyLeaf, leafJson } from './_leaf-json.ts';
import { unpacked, wireFields } from '../lib/protobuf-wire.ts';
import type { Json, JsonObject } from './json.ts';
import type { Field, MessageType } from './kubernetes-types.ts';

/**
 * A message as Kubernetes' Go types write it in JSON: what is left out and what is null, what stands inside and what beside. What the types do not know is left out, and noted in `unknown`:
 * "spec field 99". Throws a RangeError or a SyntaxError where the bytes are none of that type.
 */
export function messageJson(type: MessageType, bytes: Buffer, unknown: Set<string>, path = ''): JsonObject {
  const found = new Map<number, Found>();
  for (const { number, value } of wireFields(bytes)) {
    const field = fieldsOf(type).get(number);
    if (field) found.set(number, take(field, value, found.get(number), (one) => oneJson(field, one, unknown, path)));
    else unknown.add(`${path === '' ? '' : `${path} `}field ${number}`);
  }
  const json: Record<string, Json> = {};
  for (const field of type.fields) write(json, field, found.get(field.number));
  return json;
}

type Found = Json;
const fieldsByNumber = new WeakMap<MessageType, ReadonlyMap<number, Field>>();

function fieldsOf(type: MessageType): ReadonlyMap<number, Field> {
  const known = fieldsByNumber.get(type) ?? new Map(type.fields.map((field) => [field.number, field]));
  fieldsByNumber.set(type, known);
  return known;
}

/** With what came of the same field before. */
function take(field: Field, value: Buffer | bigint, before: Found | undefined, one: (value: Buffer | bigint) => Json): Found {
  if (field.shape === 'one') return one(value);
  if (field.shape === 'list') {
    const list = (before ?? []) as Json[];
    // Numbers may come packed.
    if (typeof value !== 'bigint' && (field.kind === 'int64' || field.kind === 'int32' || field.kind === 'bool')) list.push(...unpacked(value).map(one));
    else if (field.wrapped) list.push(...items(value, one));
    else list.push(one(value));
    return list;
  }
  const map = (before ?? {}) as Record<string, Json>;
  let [key, content]: [string, Json | undefined] = ['', undefined];
  for (const entry of wireFields(lengthy(value))) {
    if (entry.number === 1) key = lengthy(entry.value).toString();
    if (entry.number === 2) content = field.wrapped ? items(entry.value, one) : one(entry.value);
  }
  put(map, key, content ?? (field.kind === 'bytes' ? '' : field.wrapped ? [] : emptyOf(field)));
  return map;
}

function items(value: Buffer | bigint, one: (value: Buffer | bigint) => Json): Json[] {
  return [...wireFields(lengthy(value))].filter(({ number }) => number === 1).map((item) => one(item.value));
}

function oneJson(field: Field, value: Buffer | bigint, unknown: Set<string>, path: string): Json {
  if (field.kind !== 'message') return leafJson(field.kind, value);
  const below = field.name === '' ? path : path === '' ? field.name : `${path}.${field.name}`;
  return messageJson(field.message!, lengthy(value), unknown, below);
}

function lengthy(value: Buffer | bigint): Buffer {
  if (typeof value === 'bigint') throw new RangeError('a number stands where a message should be');
  return value;
}

/** As encoding/json of Go does it: a struct is never empty. */
function write(json: Record<string, Json>, field: Field, found: Found | undefined): void {
  const { name, shape, kind, pointer, omitEmpty, omitZero } = field;
  const nullable = pointer || shape !== 'one' || kind === 'bytes';
  if (found === undefined && nullable) {
    if (!omitEmpty) put(json, name, null);
    return;
  }
  const value = found ?? emptyOf(field);
  if (name === '') {
    for (const [key, inner] of Object.entries(value as JsonObject)) put(json, key, inner);
    return;
  }
  if (omitZero && value === null) return;
  const canBeEmpty = kind === 'bytes' || (!pointer && ['string', 'bool', 'int32', 'int64', 'float64'].includes(kind));
  if (omitEmpty && shape === 'one' && canBeEmpty && (value === '' || value === 0 || value === false)) return;
  put(json, name, value);
}

function emptyOf(field: Field): Json {
  return field.kind === 'message' ? messageJson(field.message!, Buffer.alloc(0), new Set()) : emptyLeaf(field.kind);
}

/** Names that users choose may be any. */
function put(json: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(json, key, { value, enumerable: true, configurable: true, writable: true });
  else json[key] = value;
}
