import type { HostSpec } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { destroyScript, forgetLockScript } from './destroy-script.ts';
import { reachable } from './facts.ts';
import { openJournal } from './journal.ts';
import { takeLock, type ClusterLock } from './lock.ts';
import type { Operation } from './operation.ts';
import { cordon, drain } from './phases/drain.ts';
import { forget } from './phases/forget.ts';
import { runOn } from './phases/note-on.ts';
import { tracked } from './phases/tracked.ts';
import { withApi } from './phases/with-api.ts';
import { preparePlan, type PreparedPlan } from './prepare-plan.ts';
import { refuseUnfinishedRestore } from './restore/restore-record.ts';

export interface RemoveWorkerOptions {
  /** Goes on where the host cannot be reached: the cluster forgets it, and it keeps what it has. */
  readonly skipUnreachable: boolean;
  /** Asked before anything is touched; false ends the operation with `needs-confirmation`. */
  readonly confirm: () => Promise<boolean>;
}

export interface RemovedWorker {
  readonly host: string;
  /** Kubernetes was taken off the host; false where it could not be reached. */
  readonly cleaned: boolean;
}

/**
 * Takes a worker out of the cluster: its pods move to others, Kubernetes is taken off the host, the cluster forgets the node. Run again, it goes on where it was
 * cut. Throws `usage`, `host-unreachable`, `needs-confirmation`, `lock-held`, and `not-healthy` where a pod does not go.
 */
export async function removeWorker(operation: Operation, name: string, { skipUnreachable, confirm }: RemoveWorkerOptions): Promise<RemovedWorker> {
  const host = workerOf(operation, name);
  const prepared = await preparePlan(operation);
  await refuseUnfinishedRestore(operation.state, prepared.facts);
  const found = prepared.facts.hosts.get(name);
  if (!reachable(found) && !skipUnreachable) {
    throw new KubekeepError('host-unreachable', `${name} cannot be reached, so nothing was touched: ${found?.reason ?? ''}`, { hint: 'Bring it back, or give --skip-unreachable: it then keeps what it has, and must not come back into this network as it is.' });
  }
  if (!(await confirm())) throw new KubekeepError('needs-confirmation', 'nothing was touched: it was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes.' });
  await removeLocked(operation, prepared, host);
  if (reachable(found)) await operation.hosts.get(name)!.run(forgetLockScript, { timeout: 10_000 });
  return { host: name, cleaned: reachable(found) };
}

function workerOf({ cluster }: Operation, name: string): HostSpec {
  const host = cluster.hosts.find((one) => one.name === name);
  if (!host) throw new KubekeepError('usage', `the cluster file has no host ${name}`, { hint: `It has ${cluster.hosts.map((one) => one.name).join(', ')}.` });
  if (host.roles.includes('worker')) return host;
  throw new KubekeepError('usage', `${name} is no worker; only workers can be removed by this command`, { hint: 'kubekeep destroy takes the whole cluster off its hosts.' });
}

async function removeLocked(operation: Operation, prepared: PreparedPlan, host: HostSpec): Promise<void> {
  await using lock = await takeLock(operation.hosts, operation);
  const journal = openJournal(operation.state.journal, 'remove', operation.user, operation.clock.now);
  const work = { ...operation, signal: AbortSignal.any([operation.signal, lock.lost]), prepared, journal };
  const step = (title: string, run: () => Promise<unknown>) => tracked({ id: `${host.name}/remove`, host: host.name, title, reasons: [] }, work, run);
  await withApi(work, async (api) => {
    if (prepared.facts.nodes?.nodes.has(host.name)) {
      await step('its pods move to other workers', async () => {
        await cordon(api, host.name);
        if (reachable(prepared.facts.hosts.get(host.name))) await drain(work, api, host.name);
      });
    }
    if (reachable(prepared.facts.hosts.get(host.name))) await step('take Kubernetes off the host', () => clean(work, lock, host));
    // Last: a kubelet that runs makes its node anew.
    await step('the cluster forgets the node', () => forget(api, `/api/v1/nodes/${host.name}`));
  });
}

function clean(work: Pick<Operation, 'hosts' | 'clock'>, { token }: ClusterLock, { name }: HostSpec): Promise<unknown> {
  const time = `${new Date(work.clock.now()).toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  return runOn(work, name, destroyScript({ token, time, purge: false, vips: [] }), { what: 'taking Kubernetes off the host', timeout: 180_000 });
}
