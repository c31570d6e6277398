import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { storeBundle } from '../../src/backup/bundle.ts';
import { appendUnder } from '../../src/backup/captures.ts';
import { basesOf, type Base, type BaseBody } from '../../src/backup/points.ts';
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

/** Appends a base without any page, and a bundle beside it where there is one. */
export async function emptyBase(repository: Repository, { writer }: Pick<OwnerKeys, 'writer'>, { bundle: content, ...changes }: Partial<Omit<BaseBody, 'bundle'>> & { readonly bundle?: Uint8Array } = {}): Promise<Base> {
  const bundle = content && (await storeBundle(repository, content, basesOf(repository.chain).flatMap((base) => base.bundle ?? [])));
  const body: BaseBody = { timeline: 'c1:0', revision: 1, time: Date.now(), compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0, bundle: bundle?.ref, ...changes };
  await appendUnder(repository, bundle?.captures ?? [], 'base', writer, () => body);
  return basesOf(repository.chain).at(-1)!;
}

/** `more` can read data besides the identity, `escrow` alone what is sealed besides it. */
export async function madeRepository({ more = [], escrow = more, identity: given }: { readonly more?: readonly string[]; readonly escrow?: readonly string[]; readonly identity?: Secret } = {}): Promise<MadeRepository> {
  const parent = await mkdtemp(join(tmpdir(), 'kubekeep-repository-'));
  const folder = join(parent, 'repository');
  const identity = given ?? new Secret(await generateX25519Identity());
  const keys = newOwnerKeys();
  const own = await identityToRecipient(identity.reveal());
  await createRepository(folderStore(folder), [own, ...more], { keys, begun: false, keep: async () => {}, escrow: [own, ...escrow], now: Date.now() });
  return {
    folder, keys, identity,
    open: () => openRepository(folderStore(folder), keys),
    read: () => openRepositoryAs(folderStore(folder), identity),
    [Symbol.asyncDispose]: () => rm(parent, { recursive: true }),
  };
}
