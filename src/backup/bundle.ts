import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { Secret } from '../lib/secret.ts';
import { captureKeys, isWrapped, newCapture, type Capture } from './captures.ts';
import { damaged, hashOf } from './format/encrypted-object.ts';
import { objectName } from './format/object-name.ts';
import type { Repository } from './repository.ts';

/** What an entry says of a sealed bundle: docs/design/repository-format.md, section 6. */
export const bundleSchema = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Its key is wrapped for escrow under this name: 32 hexadecimal digits. */
  key: z.string().regex(/^[0-9a-f]{32}$/),
  /** HMAC of the content: equal contents have equal ones, and nobody learns more from it. */
  mac: z.string().regex(/^[0-9a-f]{64}$/),
});

export type BundleRef = z.output<typeof bundleSchema>;

/** What an entry that names the bundle says of it, and the key where it was stored now. */
export interface StoredBundle {
  readonly ref: BundleRef;
  readonly captures: readonly Capture[];
}

/** Seals a bundle for escrow, unless one of `before` has the same content and is there: a writer that cannot read bundles can tell so. */
export async function storeBundle(repository: Repository, content: Uint8Array, before: readonly BundleRef[]): Promise<StoredBundle> {
  const mac = macOf(repository, content);
  const same = before.findLast((ref) => ref.mac === mac);
  if (same && (await isThere(repository, same))) return { ref: same, captures: [] };
  const capture = await newCapture(repository, 'escrow');
  const hash = await repository.put('sealed', content, capture);
  return { ref: { hash, key: Buffer.from(capture.capture).toString('hex'), mac }, captures: [capture] };
}

/** Throws `identity-missing` where the identity is not one of escrow, `repository-damaged`. */
export async function readBundle(repository: Repository, { hash, key, mac }: BundleRef, identity: Secret): Promise<Buffer> {
  const name = objectName('sealed', hash);
  const content = await repository.get('sealed', hash, (capture) => {
    if (capture !== key) throw damaged(name, 'it belongs to another key than its base says');
    return captureKeys(repository, identity, 'escrow')(capture);
  });
  if (macOf(repository, content) !== mac) throw damaged(name, 'its content is not the one that its base speaks of');
  return content;
}

/** Whether the bundle and a key to it are in the store: that can be told without being able to read it. */
export async function isThere(repository: Repository, { hash, key }: BundleRef): Promise<boolean> {
  const bytes = await repository.store.read(objectName('sealed', hash));
  return bytes !== undefined && hashOf(bytes) === hash && (await isWrapped(repository, 'escrow', key));
}

function macOf({ bundleMac }: Repository, content: Uint8Array): string {
  return createHmac('sha256', bundleMac).update(content).digest('hex');
}
