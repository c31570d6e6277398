import type { ApiClient } from '../../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../../lib/errors.ts';
import type { Secret } from '../../../lib/secret.ts';
import type { ReadOperation } from '../../backup/backup-operation.ts';
import { readIdentity } from '../../state.ts';
import { clusterNamespace, clusterUid, compareUids, livingUid, type SameCluster } from '../same-cluster.ts';
import { applyRestore, entryOf, type Applied, type Written } from './apply-restore.ts';
import { checkPlan, type CheckedStep } from './check-plan.ts';
import { lookAtLiving } from './living.ts';
import { planRestore, soughtBy, type LeftOut, type RestoreWish } from './plan-restore.ts';
import { idOf, type Selection } from './selection.ts';
import { applyUndo, planUndo, type UndoStep } from './undo-restore.ts';
import { keepUndo, readUndo, undoIds, type UndoRecord } from './undo-record.ts';

export interface RestoreObjectsOptions extends RestoreWish {
  readonly dryRun: boolean;
  /** What was asked for, for people. */
  readonly what: string;
  /** Of the point. */
  readonly revision: number;
  /** Shown the plan before anything is written; false ends it with `needs-confirmation`. */
  readonly confirm: (plan: CheckedPlan) => Promise<boolean>;
}

export interface CheckedPlan {
  readonly steps: readonly CheckedStep[];
  readonly left: readonly LeftOut[];
  /** Whether it is for the cluster of the backup. */
  readonly cluster: SameCluster;
}

export interface RestoreObjectsResult {
  readonly plan: CheckedPlan;
  /** None where nothing was written: nothing was to be done, it was a dry run, or something would be refused. */
  readonly applied: Applied | undefined;
  /** Of what was taken away again because others were refused: what could not be, and why. */
  readonly stayed: readonly UndoStep[];
  /** What undoes it. */
  readonly undo: string | undefined;
}

/**
 * Gives a cluster again what was selected. The whole plan is checked by the API server in dry runs before anything is written; where others can only be checked once their namespace or definition
 * is there, and are refused then, that is taken away again. Throws `needs-confirmation`, `api-failed`, `identity-missing`.
 */
export async function restoreObjects(operation: ReadOperation, api: ApiClient, selection: Selection, options: RestoreObjectsOptions): Promise<RestoreObjectsResult> {
  const { progress, signal } = operation;
  progress({ type: 'started', title: `asking the API server about ${selection.objects.length} objects`, step: 'objects/check' });
  const uid = await livingUid(api, signal);
  const cluster = compareUids(clusterUid(selection.beside.get(idOf(clusterNamespace))?.object), uid);
  const { steps, left } = planRestore(selection, await lookAtLiving(api, soughtBy(selection, options), signal), { ...options, cluster });
  const plan = { steps: await checkPlan(api, steps, signal), left, cluster };
  const ready = plan.steps.filter(({ verdict }) => verdict === 'ready');
  if (options.dryRun || ready.length === 0 || plan.steps.some(({ verdict }) => verdict === 'refused')) return { plan, applied: undefined, stayed: [], undo: undefined };
  if (!(await options.confirm(plan))) throw new KubekeepError('needs-confirmation', 'nothing was written: it was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes; --dry-run only shows.' });
  progress({ type: 'started', title: `writing ${ready.length} objects`, step: 'objects/write' });
  return { plan, ...(await written(operation, api, plan.steps, { ...options, uid })) };
}

async function written(operation: ReadOperation, api: ApiClient, steps: readonly CheckedStep[], { what, revision, uid }: RestoreObjectsOptions & { readonly uid: string | undefined }): Promise<Omit<RestoreObjectsResult, 'plan'>> {
  const { state, clock, signal } = operation;
  const identity = await readIdentity(state, operation.identityFile);
  const begun = new Date(clock.now()).toISOString();
  const record: UndoRecord = { id: await freeId(operation, begun), what, revision, begun, cluster: uid, entries: steps.filter(({ verdict }) => verdict === 'ready').map(entryOf) };
  await keepUndo(state, identity, record);
  const noted = new Map<string, Written>();
  // Where it is killed the first record stays, with all that may have been written.
  let known: UndoRecord = record;
  try {
    const applied = await applyRestore(api, steps, operation, (one) => noted.set(idOf(one.step.name), one));
    known = { ...record, entries: [...noted.values()].map(({ entry }) => entry) };
    await keepUndo(state, identity, known);
    if (!applied.onlyFoundations) return { applied, stayed: [], undo: record.id };
    const stayed = (await undone(operation, api, identity, known, await planUndo(api, known.entries, signal))).filter(({ action }) => action === 'keep');
    return { applied, stayed, undo: stayed.length > 0 ? record.id : undefined };
  } catch (error) {
    if (known === record) await keepUndo(state, identity, { ...record, entries: record.entries.map((entry) => noted.get(idOf(entry.name))?.entry ?? entry) });
    throw error;
  }
}

/** Seconds are enough for people. */
async function freeId({ state }: Pick<ReadOperation, 'state'>, begun: string): Promise<string> {
  const id = begun.slice(0, 19).replaceAll(/[-:]/g, '');
  const taken = new Set(await undoIds(state));
  for (let number = 1; ; number++) if (!taken.has(number === 1 ? id : `${id}-${number}`)) return number === 1 ? id : `${id}-${number}`;
}

export interface UndoOptions {
  readonly id: string;
  readonly dryRun: boolean;
  readonly confirm: (steps: readonly UndoStep[]) => Promise<boolean>;
}

/** Takes back what a restore wrote, as far as it is still what was written. Run again, it does the rest. Throws `usage`, `cluster-mismatch`, `needs-confirmation`, `api-failed`. */
export async function undoObjects(operation: ReadOperation, api: ApiClient, { id, dryRun, confirm }: UndoOptions): Promise<{ readonly steps: readonly UndoStep[]; readonly performed: boolean }> {
  const { state, signal } = operation;
  const identity = await readIdentity(state, operation.identityFile);
  const record = await readUndo(state, identity, id);
  // Of a restore that was cut off objects are known by what was sent only, and another cluster may have the same.
  if (compareUids(record.cluster, await livingUid(api, signal)) === 'other') throw new KubekeepError('cluster-mismatch', `restore ${id} was into another cluster than the one that answers, and nothing was changed`, { hint: 'Name the cluster that it was into: --kubeconfig FILE.' });
  const steps = await planUndo(api, record.entries, signal);
  if (dryRun || !steps.some(({ action }) => action === 'remove' || action === 'put-back')) return { steps, performed: false };
  if (!(await confirm(steps))) throw new KubekeepError('needs-confirmation', 'nothing was changed: it was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes; --dry-run only shows.' });
  return { steps: await undone(operation, api, identity, record, steps), performed: true };
}

async function undone({ state, clock, signal }: ReadOperation, api: ApiClient, identity: Secret, record: UndoRecord, steps: readonly UndoStep[]): Promise<readonly UndoStep[]> {
  const done = await applyUndo(api, steps, signal);
  await keepUndo(state, identity, { ...record, undone: new Date(clock.now()).toISOString() });
  return done;
}

/** What restores wrote, the oldest first. Throws `identity-missing`, `state-broken`. */
export async function listUndo({ state, identityFile }: ReadOperation): Promise<readonly UndoRecord[]> {
  const ids = await undoIds(state);
  if (ids.length === 0) return [];
  const identity = await readIdentity(state, identityFile);
  return Promise.all(ids.map((id) => readUndo(state, identity, id)));
}
