import { createRepository } from '../../backup/repository.ts';
import { writerKeysToText } from '../../backup/repository-keys.ts';
import type { Store } from '../../backup/store/store.ts';
import { encryptFor } from '../../lib/age.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { recipientOf } from '../../pki/seal.ts';
import { existingSecrets } from '../existing-secrets.ts';
import type { Operation } from '../operation.ts';
import { keep, readKept } from '../state.ts';
import { keysFile } from './open-backup.ts';

export interface MadeRepository {
  readonly id: string;
  readonly place: string;
  readonly recipients: readonly string[];
}

/** Makes the repository of a cluster. Its keys are in the state folder, sealed, before anything is written to the store. */
export async function initBackup(operation: Operation, store: Store): Promise<MadeRepository> {
  const { cluster, state } = operation;
  if ((await readKept(state, keysFile)) !== undefined) {
    throw new KubekeepError('repository-exists', `this cluster has a repository already: its keys are in ${state.path}/${keysFile}`, { hint: `To begin a new one, move ${keysFile} away.` });
  }
  const { identity } = await existingSecrets(operation);
  const own = await recipientOf(identity);
  const recipients = [...new Set([own, ...cluster.backup!.recipients])];
  const { repository } = await createRepository(store, recipients, async (keys) => {
    await keep(state, keysFile, `${Buffer.from(await encryptFor([own], writerKeysToText(keys))).toString('base64')}\n`);
  });
  return { id: repository, place: store.place, recipients };
}
