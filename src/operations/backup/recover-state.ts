import type { Base } from '../../backup/points.ts';
import { openRepositoryAs } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import { open, recipientOf } from '../../pki/seal.ts';
import { bundleToJson } from '../../pki/secrets-text.ts';
import type { Operation } from '../operation.ts';
import { keep, openKeptSecrets, readIdentity, readKept, saveSecrets, sealTo } from '../state.ts';
import type { ClusterBundle } from './cluster-bundle.ts';
import { newestBundle } from './newest-bundle.ts';
import { keepKeys, keptKeys, keysFile, remember } from './open-backup.ts';

export interface RecoveredState {
  /** The newest base that has the keys beside it. */
  readonly base: Base;
  readonly bundle: ClusterBundle;
  /** Nobody but the place says who owns the repository, where there was no state: to be compared with what `backup init` printed. */
  readonly owner: string;
}

type Recovering = Pick<Operation, 'state' | 'identityFile'>;

/**
 * Puts the operator's side of a cluster together from its repository and an identity alone: the keys of the cluster and of the repository, sealed to that identity, the trusted host keys, and the newest
 * entry. A state folder that has the same is completed. `accept` is asked, before anything is written, about an owner that nobody but the place vouches for, and throws where it is not the right one. Throws
 * `state-broken`, before that, where the folder has something else, and what `newestBundle` throws.
 */
export async function recoverState({ state, identityFile }: Recovering, store: Store, accept: (owner: string) => Promise<void> = async () => {}): Promise<RecoveredState> {
  const identity = await readIdentity(state, identityFile);
  const repository = await openRepositoryAs(store, identity);
  const { bundle, base } = await newestBundle(repository, identity);
  await refuseOtherState({ state, identityFile }, bundle, identity);
  if ((await readKept(state, keysFile)) === undefined) await accept(repository.ownerKey);
  await remember(state, repository);
  await saveSecrets(state, { secrets: bundle.secrets, sealed: (await readKept(state, 'secrets.age')) ?? (await sealedFor(bundle, identity)), identity, from: 'new' });
  if (bundle.knownHosts !== undefined && (await readKept(state, 'known_hosts')) === undefined) await keep(state, 'known_hosts', bundle.knownHosts);
  if ((await readKept(state, keysFile)) === undefined) await keepKeys(state, bundle.keys, await recipientOf(identity));
  return { base, bundle, owner: repository.ownerKey };
}

/** As the hosts have it where that opens, so that nothing differs from before. */
async function sealedFor({ secrets, sealed }: ClusterBundle, identity: Secret): Promise<string> {
  return open(new TextEncoder().encode(sealed), identity).then(() => sealed, () => sealTo(secrets, identity));
}

/** Nothing that is there is replaced, and nothing is put beside what does not belong to it. */
async function refuseOtherState({ state, identityFile }: Recovering, { cluster, secrets, keys }: ClusterBundle, identity: Secret): Promise<void> {
  const refuse = (what: string, cause?: unknown): never => {
    throw new KubekeepError('state-broken', `${state.path} has ${what}, and nothing in it was changed`, { hint: 'Where that is not wanted any more, move the folder away and run the command again.', cause });
  };
  if ((await readKept(state, 'identity')) !== undefined && (await readIdentity(state, undefined)).reveal() !== identity.reveal()) refuse('another identity than the one that was given');
  const sealed = await openKeptSecrets(state, { cluster, identityFile }).catch((error: unknown) => refuse('keys that this identity does not open', error));
  if (sealed && bundleToJson(sealed.secrets) !== bundleToJson(secrets)) refuse('other keys than the repository');
  const kept = await keptKeys(state, identity).catch((error: unknown) => refuse('keys of a repository that this identity does not open', error));
  if (kept && (kept.repository !== keys.repository || kept.ownerKey !== keys.ownerKey)) refuse('the keys of another repository');
}
