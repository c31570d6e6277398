import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { isNode } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { destroyScript, destroyTimeout, forgetLockScript } from './destroy-script.ts';
import { reachable, type ClusterFacts } from './facts.ts';
import { openJournal } from './journal.ts';
import { takeLock, type ClusterLock } from './lock.ts';
import type { Operation } from './operation.ts';
import { readNode } from './look-at-nodes.ts';
import { emptyNode } from './phases/empty-node.ts';
import { forget } from './phases/forget.ts';
import { runOn } from './phases/note-on.ts';
import { tracked } from './phases/tracked.ts';
import { withApi } from './phases/with-api.ts';
import type { Work } from './phases/work.ts';
import { preparePlan, type PreparedPlan } from './prepare-plan.ts';
import { refuseUnfinishedRestore } from './restore/restore-record.ts';

export interface RemoveWorkerOptions {
  /** Goes on where the host cannot be reached: the cluster forgets it, and it keeps what it has. */
  readonly skipUnreachable: boolean;
  /** Pods that no controller makes again are deleted; otherwise a node that has some keeps them. */
  readonly deleteLonePods: boolean;
  /** Asked before anything is touched; false ends the operation with `needs-confirmation`. */
  readonly confirm: () => Promise<boolean>;
}

export interface RemovedWorker {
  readonly host: string;
  /** Kubernetes was taken off the host; false where it could not be reached, or is in no cluster file. */
  readonly cleaned: boolean;
  /** It is a host of the cluster file. */
  readonly managed: boolean;
}

/**
 * Takes a worker out of the cluster: its pods move to others, Kubernetes is taken off the host, the cluster forgets the node. One that is in no cluster file keeps what
 * it has. Run again, it goes on where it was cut. Throws `usage`, `host-unreachable`, `needs-confirmation` (for pods that would be deleted for good too), `lock-held`, and `not-healthy` where a pod does not go.
 */
export async function removeWorker(operation: Operation, name: string, { skipUnreachable, deleteLonePods, confirm }: RemoveWorkerOptions): Promise<RemovedWorker> {
  const managed = isWorkerOf(operation, name);
  const prepared = await preparePlan(operation);
  await refuseUnfinishedRestore(operation.state, prepared.facts);
  if (!managed && prepared.facts.nodes?.nodes.has(name) === false) throw unknown(operation, name);
  const found = prepared.facts.hosts.get(name);
  if (managed && !reachable(found) && !skipUnreachable) {
    throw new KubekeepError('host-unreachable', `${name} cannot be reached, so nothing was touched: ${found?.reason ?? ''}`, { hint: 'Bring it back, or give --skip-unreachable: it then keeps what it has, and must not come back into this network as it is.' });
  }
  if (!(await confirm())) throw new KubekeepError('needs-confirmation', 'nothing was touched: it was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes.' });
  await removeLocked(operation, prepared, name, deleteLonePods);
  if (reachable(found)) await operation.hosts.get(name)!.run(forgetLockScript, { timeout: 10_000 });
  return { host: name, cleaned: reachable(found), managed };
}

function unknown({ cluster }: Pick<Operation, 'cluster'>, name: string): KubekeepError {
  return new KubekeepError('usage', `the cluster file has no host ${name}, and the cluster no such node`, { hint: `The file has ${cluster.hosts.map((one) => one.name).join(', ')}.` });
}

/** Whether the cluster file has it. Throws `usage` where it has another role. */
function isWorkerOf({ cluster }: Operation, name: string): boolean {
  const host = cluster.hosts.find((one) => one.name === name);
  if (host && !host.roles.includes('worker')) throw new KubekeepError('usage', `${name} is no worker; only workers can be removed by this command`, { hint: isNode(host) ? 'With kubelet: false in the cluster file kubekeep apply takes the node away and leaves the control plane.' : 'kubekeep destroy takes the whole cluster off its hosts.' });
  return host !== undefined;
}

async function removeLocked(operation: Operation, prepared: PreparedPlan, name: string, deleteLonePods: boolean): Promise<void> {
  await using lock = await takeLock(operation.hosts, operation);
  const journal = openJournal(operation.state.journal, 'remove', operation.user, operation.clock.now);
  const work = { ...operation, signal: AbortSignal.any([operation.signal, lock.lost]), prepared, journal, deleteLonePods };
  await withApi(work, (api) => letGo(work, api, name, () => clean(work, lock, name)));
}

/**
 * Takes a node out of the cluster, as that knows it now: with what was known when the plan was made its pods might be left to die.
 * @internal
 */
export async function letGo(work: Pick<Work, 'cluster' | 'clock' | 'signal' | 'progress' | 'journal' | 'deleteLonePods'> & { readonly prepared: { readonly facts: Pick<ClusterFacts, 'hosts'> } }, api: ApiClient, name: string, takeOff: () => Promise<unknown>): Promise<void> {
  const step = (title: string, run: () => Promise<unknown>) => tracked({ id: `${name}/remove`, host: name, title, reasons: [] }, work, run);
  const found = work.prepared.facts.hosts.get(name);
  const node = await readNode(api, name, work.signal);
  if (!node && !found) throw unknown(work, name);
  // Kubernetes knows whether the kubelet lives that ends them: another question than whether anybody can log in.
  if (node) await step('its pods move to other workers', () => emptyNode(work, api, name, { node }));
  if (reachable(found)) await step('take Kubernetes off the host', takeOff);
  // Last: a kubelet that runs makes its node anew.
  await step('the cluster forgets the node', () => forget(api, `/api/v1/nodes/${name}`));
}

function clean(work: Pick<Operation, 'hosts' | 'clock'>, { token }: ClusterLock, name: string): Promise<unknown> {
  const time = `${new Date(work.clock.now()).toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  return runOn(work, name, destroyScript({ token, time, purge: false, vips: [] }), { what: 'taking Kubernetes off the host', timeout: destroyTimeout });
}
