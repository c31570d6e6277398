import { WireReader, wire } from '../lib/wire-reader.ts';
import { asServed } from './as-served.ts';
import { decryptValue, encryptedWith, type EncryptionKeys } from './encrypted-value.ts';
import { Unreadable } from './unreadable.ts';
import { isObject, parseJson, type JsonObject } from './json.ts';
import { typeOf, typesVersion } from './kubernetes-types.ts';
import { readMessage, type MutableObject } from './message-json.ts';

/** What etcd has under a key of the API server. */
export type DecodedValue = DecodedObject | Undecoded;

export interface DecodedObject {
  /** As the API server gives it, in the version that it is stored in, with `metadata.resourceVersion`. */
  readonly object: JsonObject;
  /** Fields that the types of this release do not have, and that are therefore not in `object`: "spec field 99". */
  readonly unknown: readonly string[];
}

export interface Undecoded {
  readonly object: undefined;
  /** Why it cannot be read, for people: what it is encrypted with, or what is wrong with it. */
  readonly why: string;
}

/** Before the envelope. */
const start = Buffer.from('k8s\0');

/** What etcd has under a key, and the revision that wrote it. */
export interface StoredValue {
  readonly key: string;
  readonly value: Buffer;
  readonly revision: number;
}

/** Never throws: one value that is damaged says nothing of the others. What objects have in common may stand in several of them. */
export function decodeValue({ key, value, revision }: StoredValue, keys: EncryptionKeys = new Map()): DecodedValue {
  try {
    const plain = encryptedWith(value) === undefined ? value : decryptValue(value, key, keys);
    const { object, unknown } = isProtobuf(plain) ? fromProtobuf(plain) : fromJson(plain);
    if (!isObject(object['metadata'])) object['metadata'] = {};
    (object['metadata'] as MutableObject)['resourceVersion'] = String(revision);
    return { object: asServed(object), unknown };
  } catch (error) {
    if (error instanceof RangeError) return { object: undefined, why: `it is damaged: ${error.message}` };
    if (error instanceof SyntaxError) return { object: undefined, why: 'it is neither protobuf nor JSON of Kubernetes' };
    if (error instanceof Unreadable) return { object: undefined, why: error.message };
    throw error;
  }
}

interface Decoded {
  readonly object: MutableObject;
  readonly unknown: readonly string[];
}

function isProtobuf(bytes: Buffer): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

function fromProtobuf(bytes: Buffer): Decoded {
  const { apiVersion, kind, message, packed } = envelopeOf(new WireReader(bytes.subarray(start.length)));
  if (packed !== '') throw new Unreadable(`it is packed in a way that this release does not know (${packed})`);
  const type = typeOf(apiVersion, kind);
  if (!type) throw new Unreadable(`Kubernetes ${typesVersion} has no ${kind} of ${apiVersion}`);
  const unknown: string[] = [];
  const object: MutableObject = { apiVersion, kind };
  readMessage(type, new WireReader(message), unknown, object);
  return { object, unknown: unknown.length === 0 ? unknown : [...new Set(unknown)] };
}

/** runtime.Unknown: apiVersion and kind (field 1), the message (2), and how it is packed (3), which nothing does. */
function envelopeOf(reader: WireReader): { readonly apiVersion: string; readonly kind: string; readonly message: Buffer; readonly packed: string } {
  let [apiVersion, kind, message, packed] = ['', '', Buffer.alloc(0) as Buffer, ''];
  while (reader.more) {
    const tag = reader.tag();
    if (tag === lengthy(1)) [apiVersion, kind] = typeMetaOf(reader);
    else if (tag === lengthy(2)) message = reader.bytes();
    else if (tag === lengthy(3)) packed = reader.text();
    else reader.skip(tag);
  }
  return { apiVersion, kind, message, packed };
}

function typeMetaOf(reader: WireReader): [apiVersion: string, kind: string] {
  const found: [string, string] = ['', ''];
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.tag();
    if (tag === lengthy(1)) found[0] = reader.text();
    else if (tag === lengthy(2)) found[1] = reader.text();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return found;
}

/** The tag of a field with a length. */
function lengthy(number: number): number {
  return number * 8 + wire.length;
}

function fromJson(bytes: Buffer): Decoded {
  const object = parseJson(bytes.toString());
  if (!isObject(object)) throw new SyntaxError('no object');
  return { object: object as MutableObject, unknown: [] };
}
