import { bytesField, wireFields } from '../lib/protobuf-wire.ts';
import type { Scalar, Special } from './kubernetes-types.ts';
import { parseJson, type Json } from './json.ts';

/** What a field without a value is in JSON. */
export function emptyLeaf(kind: Scalar | Special): Json {
  if (kind === 'string') return '';
  if (kind === 'bool') return false;
  if (kind === 'resource.Quantity') return '0';
  return kind === 'int32' || kind === 'int64' || kind === 'float64' || kind === 'intstr.IntOrString' ? 0 : null;
}

/** A value of protobuf as Kubernetes' Go types write it. Throws a RangeError where it is none of that kind. */
export function leafJson(kind: Scalar | Special, value: Buffer | bigint): Json {
  if (typeof value === 'bigint') {
    if (kind === 'bool') return value !== 0n;
    if (kind === 'int32') return Number(BigInt.asIntN(32, value));
    if (kind === 'int64') return integer(value);
    throw new RangeError(`a number is no ${kind}`);
  }
  switch (kind) {
    case 'string': return value.toString();
    case 'bytes': return value.toString('base64');
    case 'float64': return value.readDoubleLE(0);
    case 'v1.Time': return time(value)?.whole ?? null;
    case 'v1.MicroTime': return time(value)?.micro ?? null;
    case 'resource.Quantity': return bytesField(value, 1)?.toString() || '0';
    case 'intstr.IntOrString': return intOrString(value);
    case 'v1.FieldsV1':
    case 'runtime.RawExtension': return embedded(bytesField(value, 1));
    default: throw new RangeError(`bytes are no ${kind}`);
  }
}

/** Exact: beyond what a number can hold it is a bigint. */
function integer(value: bigint): number | bigint {
  const signed = BigInt.asIntN(64, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

/** Seconds of Go's year 1: no time at all. */
const noTime = -62_135_596_800;

function time(bytes: Buffer): { readonly whole: string; readonly micro: string } | undefined {
  if (bytes.length === 0) return undefined;
  let [seconds, nanos] = [0, 0];
  for (const { number, value } of wireFields(bytes)) {
    if (number === 1 && typeof value === 'bigint') seconds = Number(BigInt.asIntN(64, value));
    if (number === 2 && typeof value === 'bigint') nanos = Number(BigInt.asIntN(32, value));
  }
  if (seconds === noTime && nanos === 0) return undefined;
  const until = untilSecond(seconds);
  return { whole: `${until}Z`, micro: `${until}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z` };
}

/** One object says the same few times again and again. */
const written = new Map<number, string>();

function untilSecond(seconds: number): string {
  const known = written.get(seconds);
  if (known !== undefined) return known;
  const moment = new Date(seconds * 1000);
  if (Number.isNaN(moment.getTime())) throw new RangeError(`${seconds} seconds are no time`);
  const text = moment.toISOString().replace(/\.\d+Z$/, '');
  if (written.size >= 64) written.clear();
  written.set(seconds, text);
  return text;
}

function intOrString(bytes: Buffer): number | string {
  let [isString, number, string] = [false, 0, ''];
  for (const field of wireFields(bytes)) {
    if (field.number === 1) isString = field.value === 1n;
    if (field.number === 2 && typeof field.value === 'bigint') number = Number(BigInt.asIntN(32, field.value));
    if (field.number === 3 && typeof field.value !== 'bigint') string = field.value.toString();
  }
  return isString ? string : number;
}

/** JSON that stands in protobuf as it is. */
function embedded(raw: Buffer | undefined): Json {
  return raw === undefined || raw.length === 0 ? null : parseJson(raw.toString());
}
