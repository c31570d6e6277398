import { randomBytes } from 'node:crypto';
import type { Store } from '../../backup/store/store.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { recoverState } from '../backup/recover-state.ts';
import { checkHosts } from '../check-hosts/check-hosts.ts';
import { refuseUnfit } from '../check-hosts/report.ts';
import { existingSecrets } from '../existing-secrets.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import { observe } from '../observe.ts';
import type { Operation } from '../operation.ts';
import { planFrom, type PreparedPlan } from '../prepare-plan.ts';
import { refuseOthers, type OpenedSecrets } from '../state.ts';
import { chooseFloor } from './choose-floor.ts';
import { lookAtLiving, type Living } from './look-at-living.ts';
import { refuseUnsafe } from './refuse-unsafe.ts';
import { restorePhases, type RestorePlan } from './restore-plan.ts';
import { describeRecord, lastRestore, nextOf, unfinishedRestore, type RestoreRecord } from './restore-record.ts';
import { isUntouched, restoredOn } from './restored-on.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import { changesOf } from './state-changes.ts';
import { writeSource, type Source } from './write-source.ts';

export interface RestoreWish {
  /** As `restore file` takes it. */
  readonly at: string;
  /** Back to the data that was kept before the last restore, or before the one that was begun. */
  readonly rollBack: boolean;
  /** Goes on with a majority of the etcd hosts. */
  readonly skipUnreachable: boolean;
  /** Tokens of then that stand in Secrets become worthless. */
  readonly rotateTokens: boolean;
  /** Whether an owner's public key is that of the cluster's repository: asked where the keys of the cluster are there alone, and nobody but the place says whose it is. */
  readonly isOwner: (owner: string) => Promise<boolean>;
}

/** Everything that was looked up before anything is touched. */
export interface PreparedRestore {
  /** What was begun before. */
  readonly unfinished: RestoreRecord | undefined;
  readonly plan: RestorePlan;
  readonly prepared: PreparedPlan;
  /** Hosts that take part. */
  readonly answering: readonly HostSpec[];
  readonly living: Living;
  /** None for a roll-back: kept data is read once etcd is stopped. */
  readonly source: SnapshotFile | undefined;
}

/** Looks at the hosts and at the repository, and plans. Changes nothing; `folder` gets the point in clear text. */
export async function prepareRestore(operation: Operation, store: Store, { folder, ...wish }: RestoreWish & { readonly folder: string }): Promise<PreparedRestore> {
  const { cluster, hosts, clock, signal, state } = operation;
  const secrets = await secretsFrom(operation, store, wish);
  const facts = await observe(cluster, hosts, { clock, signal });
  refuseOthers(facts, secrets.secrets.clusterId);
  const answering = cluster.hosts.filter(({ name }) => reachable(facts.hosts.get(name)));
  const [unfinished, last] = [await unfinishedRestore(state, facts), await lastRestore(state)];
  const begun = unfinished && goesOn(unfinished, wish) ? unfinished : undefined;
  const undoes = begun ? begun.undoes : wish.rollBack ? (unfinished?.id ?? restoredOn(facts)) : undefined;
  const source = wish.rollBack ? undefined : await writeSource(operation, store, { at: wish.at, folder, begun: begun?.point });
  const living = await lookAtLiving(operation, { secrets: secrets.secrets, answering, keys: source !== undefined, begun: begun?.id, undoes });
  // Whatever a note says that stayed behind.
  const opened = begun !== undefined && (begun.opened || [...living.disks.values()].some(({ final }) => final));
  const untouched = wish.rollBack && unfinished !== undefined && isUntouched(facts, living, [undoes, begun?.id]);
  refuseUnsafe(operation, { facts, living, wish, undoes, untouched, opened, source });
  const known = [unfinished, last].flatMap((one) => (one ? [{ revision: one.floor, where: describeRecord(one) }] : []));
  const { floor, highest } = chooseFloor([source?.newest ?? { revision: 1, where: 'an empty etcd' }, ...living.seen, ...known]);
  const record = begun ? { ...begun, opened, ...(!opened && { attempt: begun.attempt + 1, floor }) } : newRecord(clock.now(), { wish, undoes, floor, source });
  const prepared = await planHosts(operation, facts, secrets);
  const plan: RestorePlan = {
    cluster: cluster.name, record, continues: begun !== undefined, highest,
    phases: restorePhases(cluster, { answering, opened, untouched, fromKept: wish.rollBack }),
    changes: source && living.keys ? changesOf(source.file.keys, living.keys) : undefined,
    unseen: wish.rollBack ? 'the data that was kept is read once the cluster is closed' : living.unseen,
    warnings: warningsOf(operation, facts),
  };
  return { unfinished, plan, prepared, answering, living, source: source?.file };
}

/** Who has lost everything but an identity and the repository gets the rest from there. */
async function secretsFrom(operation: Operation, store: Store, { isOwner }: RestoreWish): Promise<OpenedSecrets> {
  try {
    return await existingSecrets(operation);
  } catch (error) {
    if (!(error instanceof KubekeepError && error.code === 'state-broken')) throw error;
    const { base } = await recoverState(operation, store, async (owner) => {
      if (await isOwner(owner)) return;
      throw new KubekeepError('needs-confirmation', `nothing was changed: the keys of the cluster are in ${store.place} alone, and that its owner is ${owner} was not confirmed`, {
        hint: `Somebody may have put another repository there. Compare it with the owner that kubekeep backup init printed; if they are the same: --owner-key ${owner}`,
      });
    });
    operation.progress({ type: 'note', title: `the keys of the cluster are those of base ${base.number}`, detail: `They are in ${operation.state.path} now.` });
    return existingSecrets(operation);
  }
}

/** Whether what was begun is what is wanted now; a roll-back of it is something else and allowed. Throws `restore-unfinished`. */
function goesOn(unfinished: RestoreRecord, { at, rollBack }: RestoreWish): boolean {
  if (rollBack) return unfinished.kind === 'roll-back';
  if (unfinished.kind === 'restore' && unfinished.at === at) return true;
  throw new KubekeepError('restore-unfinished', `${describeRecord(unfinished)} is not finished; nothing was changed`, { hint: nextOf(unfinished) });
}

/** Of hosts that have nothing of the cluster yet as much is asked as before it is built there. */
async function planHosts(operation: Operation, facts: ClusterFacts, opened: OpenedSecrets): Promise<PreparedPlan> {
  if ([...facts.hosts.values()].some((found) => reachable(found) && found.completed)) return planFrom(operation, facts, opened);
  const network = await checkHosts(operation, { quick: true });
  refuseUnfit(network);
  return planFrom(operation, { ...facts, takenRouterIds: network.takenRouterIds }, opened);
}

function newRecord(now: number, { wish, undoes, floor, source }: { readonly wish: RestoreWish; readonly undoes: string | undefined; readonly floor: number; readonly source: Source | undefined }): RestoreRecord {
  const begun = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const point = source && { base: source.point.base.number, revision: source.point.revision, time: source.point.time, timeline: source.point.base.timeline };
  return { id: `${begun.replaceAll(/[-:]/g, '')}-${randomBytes(3).toString('hex')}`, attempt: 1, kind: wish.rollBack ? 'roll-back' : 'restore', at: wish.at, point, undoes, floor, begun, rotateTokens: wish.rotateTokens, opened: false };
}

function warningsOf({ cluster }: Operation, facts: ClusterFacts): string[] {
  const etcd = hostsWith(cluster, 'etcd').map(({ name }) => name);
  return [...facts.hosts].flatMap(([name, found]) => {
    if (reachable(found)) return [];
    return [`${name} cannot be reached and is left out: ${found.reason}${etcd.includes(name) ? '. Its etcd has old data, which the restored members do not accept; kubekeep apply takes it in when it is back' : ''}`];
  });
}
