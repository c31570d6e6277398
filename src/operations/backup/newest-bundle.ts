import { readBundle } from '../../backup/bundle.ts';
import { basesOf, type Base } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { readBundleText, type ClusterBundle } from './cluster-bundle.ts';

export interface FoundBundle {
  readonly bundle: ClusterBundle;
  /** The newest base that names it. */
  readonly base: Base;
}

/**
 * What was sealed beside the newest base that has a bundle. It carries the owner's own key, so that no other writer can have made it. Throws `point-missing` where no base has one,
 * `identity-missing` where the identity is not one of escrow, `repository-damaged`.
 */
export async function newestBundle(repository: Repository, identity: Secret): Promise<FoundBundle> {
  return bundleBeside(repository, identity, basesOf(repository.chain).findLast(({ bundle }) => bundle !== undefined));
}

/** The same of one base, where it has one. */
export async function bundleBeside(repository: Repository, identity: Secret, base: Base | undefined): Promise<FoundBundle> {
  const { place } = repository.store;
  if (!base?.bundle) throw new KubekeepError('point-missing', `no base in ${place} has the keys of the cluster beside it`, { hint: 'They are kept with every base since this release: kubekeep backup run.' });
  const text = new Secret((await readBundle(repository, base.bundle, identity)).toString());
  const bundle = readBundleText(text);
  const { keys } = bundle;
  if (keys.repository !== repository.id || keys.ownerKey !== repository.ownerKey) throw new KubekeepError('repository-mismatch', `the keys beside base ${base.number} in ${place} are those of another repository`, { hint: 'A writer that is not the owner may have put them there; compare the owner with what kubekeep backup init printed.' });
  return { bundle, base };
}
