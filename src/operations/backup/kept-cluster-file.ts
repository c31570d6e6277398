import { openRepositoryAs } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import { newestBundle } from './newest-bundle.ts';

/** The text of the cluster file that lies sealed beside the newest base. Throws `point-missing` where there is none, and what `newestBundle` throws. */
export async function keptClusterFile(store: Store, identity: Secret): Promise<string> {
  const { bundle: { clusterFile }, base } = await newestBundle(await openRepositoryAs(store, identity), identity);
  if (clusterFile === undefined) throw new KubekeepError('point-missing', `there is no cluster file beside base ${base.number} in ${store.place}`, { hint: 'Write one (kubekeep init), and run the command again.' });
  return clusterFile;
}
