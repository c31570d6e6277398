import { wire, type WireReader } from '../lib/wire-reader.ts';
import { parseJson, type Json } from './json.ts';
import type { Scalar, Special } from './kubernetes-types.ts';

/** What a field without a value is in JSON. */
export function emptyLeaf(kind: Scalar | Special): Json {
  if (kind === 'string') return '';
  if (kind === 'bool') return false;
  if (kind === 'resource.Quantity') return '0';
  return kind === 'int32' || kind === 'int64' || kind === 'float64' || kind === 'intstr.IntOrString' ? 0 : null;
}

/** Reads what stands behind a tag as Kubernetes' Go types write it. Throws a RangeError where it is none of that kind, a SyntaxError where it should be JSON. */
export function leafReader(kind: Scalar | Special): (reader: WireReader, tag: number) => Json {
  const { as, read } = readers[kind];
  return (reader, tag) => {
    if ((tag & 7) !== as) throw new RangeError(`what stands where a ${kind} should be is none`);
    return read(reader);
  };
}

/** How each kind is written, and what it is in JSON. */
const readers: Readonly<Record<Scalar | Special, { readonly as: number; readonly read: (reader: WireReader) => Json }>> = {
  'string': { as: wire.length, read: (reader) => reader.text() },
  'bytes': { as: wire.length, read: (reader) => reader.bytes().toString('base64') },
  'bool': { as: wire.varint, read: (reader) => Number(reader.varint()) !== 0 },
  'int32': { as: wire.varint, read: (reader) => int32(reader.varint()) },
  'int64': { as: wire.varint, read: (reader) => int64(reader.varint()) },
  'float64': { as: wire.bit64, read: (reader) => reader.double() },
  'v1.Time': { as: wire.length, read: (reader) => time(reader, false) },
  'v1.MicroTime': { as: wire.length, read: (reader) => time(reader, true) },
  'resource.Quantity': { as: wire.length, read: (reader) => textInside(reader) || '0' },
  'intstr.IntOrString': { as: wire.length, read: intOrString },
  'v1.FieldsV1': { as: wire.length, read: (reader) => managedFields(textInside(reader)) },
  'runtime.RawExtension': { as: wire.length, read: (reader) => embedded(textInside(reader)) },
};

function int32(value: number | bigint): number {
  return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
}

/** Exact: beyond what a number can hold it is a bigint. */
function int64(value: number | bigint): number | bigint {
  if (typeof value === 'number') return value;
  const signed = BigInt.asIntN(64, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

/** Field 1 of the next message. */
function textInside(reader: WireReader): string {
  let found = '';
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.tag();
    if (tag === 8 + wire.length) found = reader.text();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return found;
}

/** Seconds of Go's year 1: no time at all. */
const noTime = -62_135_596_800;

function time(reader: WireReader, micro: boolean): string | null {
  let [seconds, nanos] = [0, 0];
  const outer = reader.enter();
  if (!reader.more) seconds = noTime;
  while (reader.more) {
    const tag = reader.tag();
    if (tag === secondsTag) seconds = Number(int64(reader.varint()));
    else if (tag === nanosTag) nanos = int32(reader.varint());
    else reader.skip(tag);
  }
  reader.leave(outer);
  if (seconds === noTime && nanos === 0) return null;
  const until = untilSecond(seconds);
  return micro ? `${until}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z` : `${until}Z`;
}

const [secondsTag, nanosTag] = [8, 16];
const daySeconds = 86_400;
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
/** Objects speak of few days. */
const days = new Map<number, string>();

function untilSecond(seconds: number): string {
  const number = Math.floor(seconds / daySeconds);
  const second = seconds - number * daySeconds;
  const minute = Math.floor(second / 60);
  return `${days.get(number) ?? dayOf(number)}T${twoDigits[Math.floor(minute / 60)]}:${twoDigits[minute % 60]}:${twoDigits[second % 60]}`;
}

function dayOf(number: number): string {
  const start = new Date(number * daySeconds * 1000);
  if (Number.isNaN(start.getTime())) throw new RangeError(`${number * daySeconds} seconds are no time`);
  const text = start.toISOString().replace(/T.*/, '');
  if (days.size >= 4096) days.clear();
  days.set(number, text);
  return text;
}

function intOrString(reader: WireReader): number | string {
  let [isString, number, string] = [false, 0, ''];
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.tag();
    if (tag === 8) isString = reader.varint() === 1;
    else if (tag === 16) number = int32(reader.varint());
    else if (tag === 26) string = reader.text();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return isString ? string : number;
}

/** JSON that stands in protobuf as it is. */
function embedded(text: string): Json {
  return text === '' ? null : parseJson(text);
}

/** What a controller manages is the same in all that it made alike. Of so many the JSON is kept, and stands in several objects. */
const mostManaged = 256;
const managed = new Map<string, Json>();

function managedFields(text: string): Json {
  const known = managed.get(text);
  if (known !== undefined) return known;
  const fields = embedded(text);
  if (managed.size >= mostManaged) managed.clear();
  managed.set(text, fields);
  return fields;
}
