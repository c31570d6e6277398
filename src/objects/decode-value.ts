import { bytesField } from '../lib/protobuf-wire.ts';
import { asServed } from './as-served.ts';
import { decryptValue, encryptedWith, type EncryptionKeys } from './encrypted-value.ts';
import { Unreadable } from './unreadable.ts';
import { isObject, parseJson, type JsonObject } from './json.ts';
import { typeOf, typesVersion } from './kubernetes-types.ts';
import { messageJson } from './message-json.ts';

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

const envelope = Buffer.from('k8s\0');

/** What etcd has under a key, and the revision that wrote it. */
export interface StoredValue {
  readonly key: string;
  readonly value: Buffer;
  readonly revision: number;
}

/** Never throws: one value that is damaged says nothing of the others. */
export function decodeValue({ key, value, revision }: StoredValue, keys: EncryptionKeys = new Map()): DecodedValue {
  try {
    const plain = encryptedWith(value) === undefined ? value : decryptValue(value, key, keys);
    const { object, unknown } = plain.subarray(0, 4).equals(envelope) ? fromProtobuf(plain.subarray(4)) : fromJson(plain);
    const metadata = isObject(object['metadata']) ? object['metadata'] : {};
    return { object: asServed({ ...object, metadata: { ...metadata, resourceVersion: String(revision) } }), unknown };
  } catch (error) {
    if (error instanceof RangeError) return { object: undefined, why: `it is damaged: ${error.message}` };
    if (error instanceof SyntaxError) return { object: undefined, why: 'it is neither protobuf nor JSON of Kubernetes' };
    if (error instanceof Unreadable) return { object: undefined, why: error.message };
    throw error;
  }
}

/** runtime.Unknown: apiVersion and kind (field 1), the message (2), and how it is packed (3), which nothing does. */
function fromProtobuf(bytes: Buffer): DecodedObject {
  const typeMeta = bytesField(bytes, 1) ?? Buffer.alloc(0);
  const [apiVersion, kind] = [1, 2].map((number) => bytesField(typeMeta, number)?.toString() ?? '') as [string, string];
  if (bytesField(bytes, 3)?.length) throw new Unreadable(`it is packed in a way that this release does not know (${bytesField(bytes, 3)!.toString()})`);
  const type = typeOf(apiVersion, kind);
  if (!type) throw new Unreadable(`Kubernetes ${typesVersion} has no ${kind} of ${apiVersion}`);
  const unknown = new Set<string>();
  const content = messageJson(type, bytesField(bytes, 2) ?? Buffer.alloc(0), unknown);
  return { object: { apiVersion, kind, ...content }, unknown: [...unknown] };
}

function fromJson(bytes: Buffer): DecodedObject {
  const object = parseJson(bytes.toString());
  if (!isObject(object)) throw new SyntaxError('no object');
  return { object, unknown: [] };
}
