import { removeRetired, retire, type CleanUpOptions, type Removed, type Retired } from '../../backup/retention/clean-up.ts';
import { planRetention, type RetentionPlan, type RetentionPolicy } from '../../backup/retention/plan-retention.ts';
import type { Repository } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { rehearsedBases } from '../../backup/verdicts.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { ReadOperation } from './backup-operation.ts';
import { openToWrite, remember } from './open-backup.ts';

export interface Pruned extends Removed, Retired {
  readonly plan: RetentionPlan;
}

/** In objects; they go sixteen at a time. */
const toldEvery = 1024;

/** Takes away what spec.backup.keep does not keep, in two steps a day apart; with `dryRun` nothing but the plan is made. Throws `usage` where nothing says what is kept. */
export async function pruneBackup(operation: ReadOperation, store: Store, { dryRun }: { readonly dryRun: boolean }): Promise<Pruned> {
  const { cluster, clock, signal, progress, state } = operation;
  const policy: RetentionPolicy | undefined = cluster.backup?.keep;
  if (!policy) throw new KubekeepError('usage', 'nothing says which backups are kept', { hint: 'For example, under spec.backup of the cluster file: keep: { within: 14d, daily: 30, weekly: 12 }.' });
  const { repository, keys } = await openToWrite(operation, store);
  const now = clock.now();
  if (dryRun) return { plan: planned(repository, policy, now), objects: 0, removed: 0, refused: [] };
  const options: CleanUpOptions = {
    owner: keys.owner, now, signal,
    onRemoved: (done, of) => {
      if (done === of || done % toldEvery === 0) progress({ type: 'note', title: `removed ${done} of ${of}`, step: 'prune/remove' });
    },
  };
  const removed = await removeRetired(repository, options);
  const plan = planned(repository, policy, now);
  const retired = await retire(repository, plan, options);
  await remember(state, repository);
  return { plan, ...retired, ...removed };
}

function planned({ chain }: Repository, policy: RetentionPolicy, now: number): RetentionPlan {
  const rehearsed = rehearsedBases(chain);
  return planRetention(chain, policy, now, (number) => rehearsed.has(number));
}
