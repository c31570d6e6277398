import { decryptObject, damaged, hashOf, type ObjectKey } from './format/encrypted-object.ts';
import { decodeEntry, isSignedBy, type ChainEntry, type EntryKind } from './format/chain-entry.ts';
import { owner, publicKeyOf } from './repository-keys.ts';

/** An entry whose signature counts. */
export interface ReadEntry {
  readonly number: number;
  /** 32 hexadecimal digits. */
  readonly writer: string;
  readonly kind: EntryKind | 'unknown';
  /** SHA-256 of the entry's bytes in hexadecimal digits. */
  readonly hash: string;
  /** JSON; none of an entry of unknown kind. What the entry carries besides (`payload`) is left out: it may be much. */
  readonly body: unknown;
  /** The entry as it stands in the store; left out where catalogs do not repeat it. */
  readonly bytes?: Buffer;
}

export interface EntryContext {
  /** 32 hexadecimal digits. */
  readonly repository: string;
  readonly structure: ObjectKey;
  /** The owner's public key, 32 bytes in base64url. */
  readonly ownerKey: string;
}

/** The property of a body that stays in the store until it is asked for. */
type Carrier = { readonly payload?: unknown };

/** Body of an entry of kind `writers`. */
export interface WriterList {
  readonly writers: readonly { readonly id: string; readonly key: string; /** Number of the last entry that counts, where the writer is revoked. */ readonly until?: number }[];
}

/** Only the owner says who writes, for whom, and what goes. */
const ownersKinds: ReadonlySet<string> = new Set(['writers', 'recipients', 'policy', 'retire', 'removed']);

/** Throws `repository-damaged` where an entry is not what a writer of then wrote. */
export function readEntry(bytes: Buffer, name: string, writers: WriterList | undefined, context: EntryContext): ReadEntry & Pick<ChainEntry, 'previous' | 'epoch'> {
  const entry = decodeEntry(bytes, name);
  const key = keyOf(entry, writers, context.ownerKey);
  if (key === undefined || !isSignedBy(bytes, publicKeyOf(key))) throw damaged(name, `it is not signed by a writer of this repository (${entry.writer})`);
  const { number, writer, kind, previous, epoch } = entry;
  const { payload: _, ...body } = kind === 'unknown' ? {} : bodyOf(entry, name, context);
  return { number, writer, kind, previous, epoch, hash: hashOf(bytes), body: kind === 'unknown' ? undefined : body, ...(isRepeated(kind) && { bytes: alone(bytes) }) };
}

/** Short buffers share 64 KiB of memory, all of which one that is kept would keep. */
function alone(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** Whether catalogs carry an entry of that kind as it was signed: all but what the log's merged segments stand for. */
export function isRepeated(kind: ReadEntry['kind']): boolean {
  return kind !== 'segment' && kind !== 'catalog';
}

export function bodyOf(entry: ChainEntry, name: string, { repository, structure }: Pick<EntryContext, 'repository' | 'structure'>): Carrier {
  return JSON.parse(decryptObject(entry.body, { repository: Buffer.from(repository, 'hex'), kind: 'entry', name }, structure).toString()) as Carrier;
}

/** The public key that an entry must be signed with; undefined where its writer may not write it. */
export function keyOf({ writer, kind, number }: Pick<ChainEntry, 'writer' | 'kind' | 'number'>, writers: WriterList | undefined, ownerKey: string): string | undefined {
  if (writer === owner) return ownerKey;
  if (ownersKinds.has(kind)) return undefined;
  const found = writers?.writers.find(({ id }) => id === writer);
  return found && number <= (found.until ?? Infinity) ? found.key : undefined;
}
