import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createRepository, openRepository, openRepositoryAs, type Repository } from '../../src/backup/repository.ts';
import { newOwnerKeys, type OwnerKeys } from '../../src/backup/repository-keys.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import { Secret } from '../../src/lib/secret.ts';

/** A new repository in a folder of its own. */
export interface MadeRepository extends AsyncDisposable {
  readonly folder: string;
  readonly keys: OwnerKeys;
  readonly identity: Secret;
  /** As a writer. */
  open(): Promise<Repository>;
  /** With the identity alone. */
  read(): Promise<Repository>;
}

export async function madeRepository(): Promise<MadeRepository> {
  const parent = await mkdtemp(join(tmpdir(), 'kubekeep-repository-'));
  const folder = join(parent, 'repository');
  const identity = new Secret(await generateX25519Identity());
  const keys = newOwnerKeys();
  await createRepository(folderStore(folder), [await identityToRecipient(identity.reveal())], { keys, begun: false, keep: async () => {} });
  return {
    folder, keys, identity,
    open: () => openRepository(folderStore(folder), keys),
    read: () => openRepositoryAs(folderStore(folder), identity),
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true }),
  };
}
