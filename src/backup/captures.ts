import { randomBytes } from 'node:crypto';
import { encryptFor } from '../lib/age.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import type { Chain } from './chain.ts';
import { damaged, type ObjectKey } from './format/encrypted-object.ts';
import type { EntryKind } from './format/chain-entry.ts';
import type { ReadEntry } from './read-entry.ts';
import { recipientsIn } from './recipients.ts';
import { unwrapKey, type SigningKey } from './repository-keys.ts';
import type { Repository } from './repository.ts';

/** What is wrapped for recipients: keys of data, and keys of what is sealed. */
export const wrappedScopes = ['data', 'escrow'] as const;
export type WrappedScope = (typeof wrappedScopes)[number];

/** A key that its writer has in memory. */
export interface Capture extends ObjectKey {
  readonly scope: WrappedScope;
  /** The recipients that it is wrapped for. */
  generation: number;
}

/** A key that nobody had before, wrapped for the recipients: only they can open later what is written under it. */
export async function newCapture(repository: Repository, scope: WrappedScope = 'data'): Promise<Capture> {
  await repository.chain.present();
  const capture: Capture = { scope, capture: randomBytes(16), key: randomBytes(32), generation: 0 };
  await wrapAnew(repository, capture);
  return capture;
}

/**
 * Appends an entry that names what was written under some captures. Their keys are wrapped for those who are recipients when it is appended: the owner may have named others since they were made, and
 * wraps again only what entries before that name. Else as `append` of the chain.
 */
export async function appendUnder(repository: Repository, captures: readonly Capture[], kind: EntryKind, writer: SigningKey, decide: (entries: readonly ReadEntry[]) => unknown): Promise<ReadEntry | undefined> {
  for (;;) {
    for (const capture of captures) await wrapAnew(repository, capture);
    let changed = false;
    const entry = await repository.chain.append(kind, writer, (entries) => {
      const generation = recipientsIn(entries)?.generation;
      changed = captures.some((capture) => capture.generation !== generation);
      return changed ? undefined : decide(entries);
    });
    if (!changed) return entry;
  }
}

/** For what is written under a key and named by a catalog, which the next one repeats: the owner finds the key in the store from now on. */
export async function wrapForNewest(repository: Repository, capture: Capture): Promise<void> {
  await repository.chain.refresh();
  await wrapAnew(repository, capture);
}

async function wrapAnew({ store, recipients }: Repository, capture: Capture): Promise<void> {
  const { generation: before, scope, key } = capture;
  if (before === recipients.generation) return;
  const id = Buffer.from(capture.capture).toString('hex');
  await store.create(wrappedName(scope, id, recipients.generation), await wrapFor(recipients, scope, key));
  capture.generation = recipients.generation;
  // Who is no recipient any more must not find it; where the store holds it back the owner's next change tries again.
  if (before > 0) await store.remove(wrappedName(scope, id, before)).catch((error: unknown) => {
    if (!(error instanceof KubekeepError)) throw error;
  });
}

/** By capture: 32 hexadecimal digits. Rejects with `repository-damaged`, and with `identity-missing` where it was wrapped for others. */
export type CaptureKeys = (capture: string) => Promise<ObjectKey>;

/** The way to all keys of a scope: only a recipient has it. */
export function captureKeys(repository: Repository, identity: Secret, scope: WrappedScope = 'data'): CaptureKeys {
  const known = new Map<string, Promise<ObjectKey>>();
  const unwrap = async (capture: string): Promise<ObjectKey> => ({ scope, capture: Buffer.from(capture, 'hex'), key: await unwrapped(repository, scope, capture, identity) });
  return (capture) => {
    const key = known.get(capture) ?? unwrap(capture);
    known.set(capture, key);
    return key;
  };
}

/** The newest that opens: while keys are wrapped for other recipients both may be there, or only the one or the other. */
async function unwrapped(repository: Repository, scope: WrappedScope, capture: string, identity: Secret): Promise<Uint8Array> {
  const { store, chain } = repository;
  const { generation } = repository.recipients;
  const failures: KubekeepError[] = [];
  for (let at = generation; at > 0; at--) {
    const name = wrappedName(scope, capture, at);
    const wrapped = await store.read(name);
    if (!wrapped) continue;
    try {
      return await unwrapKey(wrapped, identity, name);
    } catch (error) {
      if (!(error instanceof KubekeepError)) throw error;
      failures.push(error);
    }
  }
  if (failures[0]) throw failures[0];
  await chain.refresh();
  if (repository.recipients.generation !== generation) return unwrapped(repository, scope, capture, identity);
  throw damaged(wrappedName(scope, capture, generation), `it is missing in ${store.place}, and without it what was stored with it cannot be read`);
}

const folders: Readonly<Record<WrappedScope, string>> = { data: 'captures', escrow: 'escrow' };

export function wrappedName(scope: WrappedScope, capture: string, generation: number): string {
  return `${folders[scope]}/${capture}.${generation}.age`;
}

export function wrapFor(recipients: Repository['recipients'], scope: WrappedScope, key: Uint8Array): Promise<Uint8Array> {
  return encryptFor(scope === 'data' ? recipients.recipients : recipients.escrow, key);
}

/** Which key an object is the wrapping of, as `data` or `escrow` and 32 hexadecimal digits; undefined where it is none. */
export function wrappedKeyOf(name: string): { readonly scope: WrappedScope; readonly capture: string } | undefined {
  const [, folder, capture] = /^([a-z]+)\/([0-9a-f]{32})\.[1-9]\d*\.age$/.exec(name) ?? [];
  const scope = wrappedScopes.find((one) => folders[one] === folder);
  return scope && { scope, capture: capture! };
}

/** Whether somebody can open a key. */
export async function isWrapped({ store, recipients }: Repository, scope: WrappedScope, capture: string): Promise<boolean> {
  for (let at = recipients.generation; at > 0; at--) {
    if (await store.read(wrappedName(scope, capture, at))) return true;
  }
  return false;
}

/** By capture, the generations that the store has it wrapped for: all that the chain names, and all that the store lists, whose list may be behind. */
export async function livingKeys({ store, chain }: Repository, scope: WrappedScope): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>(keysNamed(chain, scope).map((capture) => [capture, []]));
  for (const name of await store.list(`${folders[scope]}/`)) {
    const [, capture, generation] = /\/([0-9a-f]{32})\.(\d+)\.age$/.exec(name) ?? [];
    if (capture === undefined) continue;
    found.set(capture, [...(found.get(capture) ?? []), Number(generation)]);
  }
  return found;
}

/** The keys that entries name. */
export function keysNamed({ entries }: Pick<Chain, 'entries'>, scope: WrappedScope): readonly string[] {
  return entries.flatMap(({ body }) => {
    const { capture, captures, bundle } = (body ?? {}) as { readonly capture?: unknown; readonly captures?: unknown; readonly bundle?: { readonly key?: unknown } };
    // A base also needs the keys of the packs that it has from bases before it, which may be gone.
    const named = scope === 'data' ? [capture, ...(Array.isArray(captures) ? captures : [])] : [bundle?.key];
    return named.filter((one): one is string => typeof one === 'string' && one !== '');
  });
}
