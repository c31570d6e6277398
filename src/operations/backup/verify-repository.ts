import { checkObjects, type ObjectsChecked } from '../../backup/check-objects.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { recipientOf } from '../../pki/seal.ts';
import type { ReadOperation } from './backup-operation.ts';
import { openToRead } from './open-backup.ts';

export interface DataShare {
  /** Which part of packs and segments is read, from 0 to 1. */
  readonly share: number;
  /** The same part for the same seed. */
  readonly seed: number;
}

/** How often progress is told, in objects. */
const toldEvery = 100;

/**
 * Looks whether the objects of a repository are there and what was written. A chain that cannot be read is a finding too, and the only one then. Throws what `openToRead` throws
 * where there is no repository, another one, or no identity.
 */
export async function verifyRepository(operation: ReadOperation, store: Store, { share, seed }: DataShare): Promise<ObjectsChecked> {
  const { signal, progress } = operation;
  const onObject = (done: number, of: number) => {
    if (done % toldEvery === 0) progress({ type: 'note', title: `looked at ${done} of ${of} packs`, step: 'backup/verify' });
  };
  try {
    const { repository, identity } = await openToRead(operation, store);
    const escrow = repository.recipients.escrow.includes(await recipientOf(identity));
    return await checkObjects(repository, { identity, escrow, share, seed, signal, onObject });
  } catch (error) {
    if (!(error instanceof KubekeepError && error.code === 'repository-damaged')) throw error;
    const [object, ...rest] = error.message.split(': ');
    const problem = { object: object!, problem: rest.join(': '), affects: ['everything'] };
    return { bases: 0, tables: 0, packs: 0, indexes: 0, segments: 0, captures: 0, bundles: 0, read: { packs: 0, segments: 0 }, problems: [problem] };
  }
}
