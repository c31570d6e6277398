import { createRepository, openRepository } from '../../backup/repository.ts';
import { newOwnerKeys } from '../../backup/repository-keys.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { BackupOperation } from './backup-operation.ts';
import { keepKeys, keptKeys, keysFile, readSeen, remember } from './open-backup.ts';
import { recipientsFor } from './recipients.ts';

export interface MadeRepository {
  readonly id: string;
  readonly place: string;
  readonly recipients: readonly string[];
  readonly escrow: readonly string[];
  /** The owner's public key in base64url: who has nothing but an identity can compare it. */
  readonly owner: string;
  /** Path of the identity, where it was made now: it is to be copied away. */
  readonly madeIdentity?: string | undefined;
}

/**
 * Makes the repository of a cluster. Its keys are in the state folder, sealed, before anything is written that needs them; the newest entry is noted last, which
 * says that all was done. So a run that was cut off is finished by the next one.
 */
export async function initBackup(operation: BackupOperation, store: Store): Promise<MadeRepository> {
  const { cluster, state, clock, source } = operation;
  const { identity, keep: keepIdentity } = await source.identity();
  const kept = await keptKeys(state, identity);
  const seen = await readSeen(state);
  if (kept && seen?.id === kept.repository) {
    throw new KubekeepError('repository-exists', `this cluster has a repository already: its keys are in ${state.path}/${keysFile}`, { hint: `To begin a new one, move ${keysFile} and repository-seen.json away.` });
  }
  const keys = kept ?? newOwnerKeys();
  const { own, recipients, escrow } = await recipientsFor(cluster, identity);
  let madeIdentity: string | undefined;
  await createRepository(store, recipients, {
    keys,
    begun: kept !== undefined,
    escrow,
    now: clock.now(),
    keep: async () => {
      // Before the keys that are sealed to it.
      madeIdentity = await keepIdentity?.();
      await keepKeys(state, keys, own);
    },
  });
  await remember(state, await openRepository(store, keys));
  return { id: keys.repository, place: store.place, recipients, escrow, owner: keys.ownerKey, madeIdentity };
}
