import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** A message of protobuf, as the Go struct that it is made from writes JSON. */
export interface MessageType {
  /** In Go, for people. */
  readonly name: string;
  /** In the order of the struct. */
  readonly fields: readonly Field[];
}

export interface Field {
  /** In protobuf. */
  readonly number: number;
  /** In JSON; empty where its fields stand beside the others. */
  readonly name: string;
  readonly kind: Scalar | Special | 'message';
  readonly message: MessageType | undefined;
  /** omitempty, and omitzero. */
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  /** Nothing is something else than its empty value. */
  readonly pointer: boolean;
  readonly shape: 'one' | 'list' | 'map';
  /** A list, or each value of a map, is a message with the list in it. */
  readonly wrapped: boolean;
}

const scalars = ['string', 'bool', 'int32', 'int64', 'float64', 'bytes'] as const;
/** Types of Go that write their JSON themselves. */
const specials = ['v1.Time', 'v1.MicroTime', 'v1.FieldsV1', 'runtime.RawExtension', 'resource.Quantity', 'intstr.IntOrString'] as const;
export type Scalar = (typeof scalars)[number];
export type Special = (typeof specials)[number];

/** The release that the types are of: `npm run pin:types` derives them. */
export const typesVersion = '1.37.2';

interface Table {
  /** By "GROUP/VERSION KIND" a position in `types`. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly types: readonly { readonly name: string; readonly fields: readonly { readonly number: number; readonly name: string; readonly is: string; readonly flags?: string }[] }[];
}

let known: ReadonlyMap<string, MessageType> | undefined;

/** The type of a kind that Kubernetes itself has, in one of its versions ("apps/v1", "Deployment"); undefined where the release of the types does not know it. */
export function typeOf(apiVersion: string, kind: string): MessageType | undefined {
  known ??= readTypes();
  return known.get(`${apiVersion} ${kind}`);
}

function readTypes(): ReadonlyMap<string, MessageType> {
  const packed = readFileSync(new URL(`../../pins/types/kubernetes-${typesVersion}.json.br`, import.meta.url));
  const { kinds, types } = JSON.parse(brotliDecompressSync(packed).toString()) as Table;
  // They name each other, in circles too.
  const made = types.map(({ name }) => ({ name, fields: [] as Field[] }));
  for (const [index, { fields }] of types.entries()) {
    for (const { number, name, is, flags = '' } of fields) {
      const message = is.startsWith('#') ? made[Number(is.slice(1))] : undefined;
      made[index]!.fields.push({
        number, name, message,
        kind: message ? 'message' : kindOf(is),
        omitEmpty: flags.includes('e'), omitZero: flags.includes('z'), pointer: flags.includes('p'), wrapped: flags.includes('w'),
        shape: flags.includes('l') ? 'list' : flags.includes('m') ? 'map' : 'one',
      });
    }
  }
  return new Map(Object.entries(kinds).map(([kind, index]) => [kind, made[index]!]));
}

function kindOf(is: string): Scalar | Special {
  const found = [...scalars, ...specials].find((one) => one === is);
  if (!found) throw new Error(`the pinned types have one (${is}) that nothing is known of`);
  return found;
}
