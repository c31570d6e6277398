import type { Store } from '../../backup/store/store.ts';
import { KubekeepError, toKubekeepError } from '../../lib/errors.ts';
import { builtEtcd } from '../backup/built-etcd.ts';
import { runBackup } from '../backup/run-backup.ts';
import { openJournal } from '../journal.ts';
import { takeLock } from '../lock.ts';
import { observe } from '../observe.ts';
import type { Operation } from '../operation.ts';
import { fetchNeeded } from '../prepare-plan.ts';
import { refuseWrongClock } from '../refuse-wrong-clock.ts';
import { saveSecrets } from '../state.ts';
import { clearTextFolder } from './clear-text-folder.ts';
import { performRestore } from './perform-restore.ts';
import { prepareRestore, type PreparedRestore, type RestoreWish } from './prepare-restore.ts';
import type { RestorePlan } from './restore-plan.ts';
import { describeRecord, unfinishedRestore } from './restore-record.ts';

export interface RestoreOptions extends RestoreWish {
  /** Shown what will be done and what changes before anything is touched; false ends the operation with `needs-confirmation`. */
  readonly confirm: (plan: RestorePlan) => Promise<boolean>;
  /** Nothing is asked and nothing is touched. */
  readonly dryRun: boolean;
}

export interface RestoreResult {
  readonly plan: RestorePlan;
  readonly performed: boolean;
}

/**
 * Puts the whole cluster back to a point: etcd on the hosts of the cluster file, whatever they have now, with revisions that no client has seen. What they had is kept beside it. Run again after it was
 * cut it goes on; `rollBack` goes back. Throws what its phases throw, and before anything is touched `needs-confirmation`, `restore-unfinished`, `host-unreachable`, `host-unfit`, `unsupported-change`,
 * `cluster-mismatch`, `point-missing`, `lock-held`.
 */
export async function restoreCluster(operation: Operation, store: Store, { confirm, dryRun, ...wish }: RestoreOptions): Promise<RestoreResult> {
  await using folder = await clearTextFolder(operation.state.path);
  const found = await prepareRestore(operation, store, { ...wish, folder: folder.path });
  const { plan, prepared } = found;
  if (dryRun) return { plan, performed: false };
  refuseWrongClock(prepared.facts);
  if (!(await confirm(plan))) throw new KubekeepError('needs-confirmation', 'nothing was changed: the restore was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes.' });
  const programs = await fetchNeeded(operation, prepared);
  await using lock = await takeLock(operation.hosts, operation);
  const journal = openJournal(operation.state.journal, 'restore', operation.user, operation.clock.now);
  const held: Operation = { ...operation, signal: AbortSignal.any([operation.signal, lock.lost]) };
  try {
    await refuseMoved(held, found);
    await saveSecrets(operation.state, prepared.opened);
    await journal({ event: 'began', detail: describeRecord(plan.record) });
    const { answering, living: { disks }, source } = found;
    await performRestore({ ...held, prepared, programs, token: lock.token, journal, record: plan.record, store, answering, disks, folder: folder.path, source }, plan.phases);
    await journal({ event: 'ended' });
    await beginBackups(held, store);
    return { plan, performed: true };
  } catch (caught) {
    const error = toKubekeepError(operation.signal.aborted ? operation.signal.reason : lock.lost.aborted ? lock.lost.reason : caught);
    await journal({ event: 'failed', detail: `${error.code}: ${error.message}` });
    throw error;
  }
}

/** What was looked at without the lock, and agreed to, may be out of date. */
async function refuseMoved({ cluster, hosts, clock, signal, state }: Operation, { unfinished }: PreparedRestore): Promise<void> {
  const now = await unfinishedRestore(state, await observe(cluster, hosts, { clock, signal }));
  if (now?.id === unfinished?.id && now?.attempt === unfinished?.attempt && now?.opened === unfinished?.opened) return;
  throw new KubekeepError('restore-unfinished', 'another restore of this cluster went on meanwhile; nothing was changed', { hint: 'Look again: the same command with --dry-run.' });
}

/** Nothing of the new timeline can be given back before it has a base. */
async function beginBackups(operation: Operation, store: Store): Promise<void> {
  try {
    await runBackup({ ...operation, source: builtEtcd(operation) }, store);
  } catch (error) {
    operation.signal.throwIfAborted();
    if (!(error instanceof KubekeepError)) throw error;
    operation.progress({ type: 'note', title: 'no base of the restored cluster could be taken: take one soon with kubekeep backup run', detail: error.message });
  }
}
