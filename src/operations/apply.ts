import { serviceVips } from '../cluster/service.ts';
import { KubekeepError, toKubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { checkHosts } from './check-hosts/check-hosts.ts';
import { refuseUnfit } from './check-hosts/report.ts';
import { reachable } from './facts.ts';
import { performFollower } from './follower/perform-follower.ts';
import { refuseWrongClock } from './refuse-wrong-clock.ts';
import { etcdReady, waitForHost } from './gates.ts';
import { openJournal } from './journal.ts';
import type { Manifest } from './manifests/read-manifest.ts';
import { objectsToApply, performManifests } from './manifests/write-manifests.ts';
import { takeLock, type ClusterLock } from './lock.ts';
import type { Operation } from './operation.ts';
import { finish } from './phases/finish.ts';
import { formEtcd } from './phases/form-etcd.ts';
import { installDns } from './phases/install-dns.ts';
import { inviteMachines } from './phases/invite-machines.ts';
import { joinNode } from './phases/join-node.ts';
import { leaveNode } from './phases/leave-node.ts';
import { performComponent } from './phases/perform-component.ts';
import { prepareHost } from './phases/prepare-host.ts';
import { refuseReadyMembers } from './phases/refuse-ready-members.ts';
import { rollHost } from './phases/roll-host.ts';
import { rollServices } from './phases/roll-services.ts';
import { rollNode } from './phases/roll-node.ts';
import { spreadVips } from './phases/spread-vips.ts';
import { tracked } from './phases/tracked.ts';
import type { Work } from './phases/work.ts';
import { writePodNetwork } from './phases/write-pod-network.ts';
import { isEmpty, stepsOf, type Plan } from './plan/plan.ts';
import type { PhaseName, PhasePlan, Step } from './plan/step.ts';
import { fetchNeeded, preparePlan, type PreparedPlan } from './prepare-plan.ts';
import { refuseUnfinishedRestore } from './restore/restore-record.ts';
import { saveSecrets } from './state.ts';
import { performSteering } from './steering/perform-steering.ts';

export interface ApplyOptions {
  /** Shown the plan, and the number of objects of manifests that are not so already, before anything is touched; false ends the operation with `needs-confirmation`. */
  readonly confirm: (plan: Plan, objects: number) => Promise<boolean>;
  /** What is applied to the cluster when its hosts are as the cluster file says. */
  readonly manifests?: readonly Manifest[];
  /** Pods that no controller makes again are deleted where their node is emptied; otherwise it is not. */
  readonly deleteLonePods?: boolean;
}

export interface ApplyResult {
  readonly plan: Plan;
  /** Steps that were performed. */
  readonly changes: number;
  /** Objects of manifests that were made or changed. */
  readonly objects: number;
}

/**
 * Makes the hosts what the cluster file says. Stops at the first host that does not come back; run again, it goes on from what it then sees.
 * Throws what its steps throw, `lock-held`, `needs-confirmation`, `cluster-mismatch`, `host-unfit`, and `host-unreachable` in the end where a host was left out.
 */
export async function apply(operation: Operation, { confirm, manifests = [], deleteLonePods = false }: ApplyOptions): Promise<ApplyResult> {
  const first = await preparePlan(operation);
  await refuseUnfinishedRestore(operation.state, first.facts);
  refuseBuildWithMissingHosts(operation, first);
  const objects = await objectsToApply({ ...operation, prepared: first }, manifests);
  if (isEmpty(first.plan) && objects === 0) {
    if (first.opened.from === 'hosts') await saveSecrets(operation.state, first.opened);
    refuseLeftOut(first);
    return { plan: first.plan, changes: 0, objects };
  }
  refuseWrongClock(first.facts);
  await confirmed(first.plan, objects, confirm);
  const network = first.plan.mode === 'build' ? await checkHosts(operation, { quick: true }) : undefined;
  if (network) refuseUnfit(network);
  // Before the lock is taken: it may take minutes.
  await fetchNeeded(operation, first);
  await using lock = await takeLock(operation.hosts, operation);
  // Not without await: the lock would be given back at once.
  return await performLocked(operation, lock, { shown: first.plan, objects, takenRouterIds: network?.takenRouterIds ?? [], confirm, manifests, deleteLonePods });
}

interface Confirmed extends Required<ApplyOptions> {
  /** The plan that was confirmed, with so many objects of manifests. */
  readonly shown: Plan;
  readonly objects: number;
  readonly takenRouterIds: readonly number[];
}

async function performLocked(operation: Operation, lock: ClusterLock, { shown, objects, takenRouterIds, confirm, manifests, deleteLonePods }: Confirmed): Promise<ApplyResult> {
  const held: Operation = { ...operation, signal: AbortSignal.any([operation.signal, lock.lost]) };
  const journal = openJournal(operation.state.journal, 'apply', operation.user, operation.clock.now);
  try {
    // What was seen before the lock may have changed meanwhile.
    const prepared = await preparePlan(held, takenRouterIds);
    await refuseUnfinishedRestore(operation.state, prepared.facts);
    refuseBuildWithMissingHosts(operation, prepared);
    if (addsTo(shown, prepared.plan)) await confirmed(prepared.plan, objects, confirm);
    const programs = await fetchNeeded(held, prepared);
    // Under the lock, so that two that build at once do not mix their keys; before the first host gets any of them.
    await saveSecrets(operation.state, prepared.opened);
    await journal({ event: 'began', detail: `${stepsOf(prepared.plan).length} steps` });
    const work: Work = { ...held, prepared, programs, token: lock.token, journal, deleteLonePods };
    for (const phase of prepared.plan.phases) await perform(phase, work);
    const applied = await performManifests(work, manifests);
    await journal({ event: 'ended' });
    refuseLeftOut(prepared);
    return { plan: prepared.plan, changes: stepsOf(prepared.plan).length, objects: applied };
  } catch (caught) {
    const error = toKubekeepError(operation.signal.aborted ? operation.signal.reason : lock.lost.aborted ? lock.lost.reason : caught);
    await journal({ event: 'failed', detail: `${error.code}: ${error.message}` });
    throw error;
  }
}

async function confirmed(plan: Plan, objects: number, confirm: ApplyOptions['confirm']): Promise<void> {
  if (await confirm(plan, objects)) return;
  throw new KubekeepError('needs-confirmation', 'nothing was changed: the plan was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes.' });
}

/** Whether a plan does something that the one that was confirmed did not say. */
function addsTo(shown: Plan, plan: Plan): boolean {
  const key = ({ id, action }: Step) => `${id} ${action}`;
  const known = new Set(stepsOf(shown).map(key));
  return stepsOf(plan).some((step) => !known.has(key(step)));
}

async function perform(phase: PhasePlan, work: Work): Promise<void> {
  const byHost = Map.groupBy(phase.steps, ({ host }) => host);
  const spec = (name: string) => work.cluster.hosts.find((host) => host.name === name)!;
  if (phase.name === 'quorum') return tracked(phase.steps[0]!, work, () => formEtcd(work));
  if (phase.name === 'joinable') return tracked(phase.steps[0]!, work, () => inviteMachines(work));
  if (phase.name === 'pod-network') return writePodNetwork(phase.steps, work);
  if (phase.name === 'dns') return tracked(phase.steps[0]!, work, () => installDns(work));
  if (phase.name === 'finish') return tracked(phase.steps[0]!, work, () => finish(work));
  if (phase.order === 'one host at a time') {
    for (const [host, steps] of byHost) {
      work.signal.throwIfAborted();
      await (rollers[phase.name] ?? rollHost)(work, spec(host), steps, (step, run) => tracked(step, work, run));
    }
    if (phase.name === 'services') await spreadVips(work, newVips(work));
    return;
  }
  const changesEtcd = phase.name === 'etcd' && work.prepared.plan.mode === 'change';
  if (changesEtcd) await refuseReadyMembers(work, phase.steps);
  await parallel([...byHost], async ([, steps]) => {
    for (const step of steps) await tracked(step, work, () => performTogether(step, work));
  });
  if (changesEtcd) await waitForVoters(phase, work);
}

const rollers: Partial<Record<PhaseName, typeof rollHost>> = {
  workers: rollNode,
  leave: leaveNode,
  services: rollServices,
  backup: eachOf(performFollower),
  steering: eachOf(performSteering),
};

/** One step after the other, without a look at what else is on the host. */
function eachOf(performStep: (step: Step, work: Work) => Promise<void>): typeof rollHost {
  return async (work, _, steps, track) => {
    for (const step of steps) await track(step, () => performStep(step, work));
  };
}

/** VIPs of services that nobody had. One whose holder may not have been seen is left where it is. */
function newVips({ cluster, prepared: { facts } }: Work): readonly string[] {
  const seen = [...facts.hosts.values()].filter(reachable).flatMap(({ addresses }) => addresses.map(({ address }) => address));
  return serviceVips(cluster).filter((vip) => !seen.includes(vip));
}

function performTogether(step: Step, work: Work): Promise<void> {
  if (step.component === 'system') return prepareHost(step, work);
  if (step.component === 'keeper') return performFollower(step, work);
  if (step.component === 'steer' || step.component === 'load-agent') return performSteering(step, work);
  if (step.component === 'kubelet' && step.action === 'join') return joinNode(step, work);
  // kubeadm speaks with containerd.
  return performComponent(step, work, { wait: step.component === 'containerd' });
}

/** What comes next asks whether a majority is ready: members that were started get the time to be. One that has never voted may not be yet. */
async function waitForVoters({ steps }: PhasePlan, work: Work): Promise<void> {
  const voters = work.cluster.hosts.filter(({ name }) => {
    const found = work.prepared.facts.hosts.get(name);
    return steps.some(({ host }) => host === name) && reachable(found) && found.etcd.formed;
  });
  await parallel(voters, (spec) => waitForHost(work, spec, [etcdReady]));
}

/** A new cluster needs all of its members, but not its workers; a host that is missing then would be left out for ever. */
function refuseBuildWithMissingHosts({ cluster }: Operation, { plan, facts }: PreparedPlan): void {
  if (plan.mode !== 'build') return;
  const needed = cluster.hosts.filter(({ roles }) => !roles.includes('worker')).map(({ name }) => name);
  for (const [name, found] of facts.hosts) {
    if (!found.reachable && needed.includes(name)) throw new KubekeepError('host-unreachable', `the cluster cannot be built without ${name}: ${found.reason}`, { hint: 'Bring the host up, or take it out of the cluster file.' });
  }
}

function refuseLeftOut({ facts }: PreparedPlan): void {
  const left = [...facts.hosts].filter(([, found]) => !reachable(found)).map(([name]) => name);
  if (left.length > 0) throw new KubekeepError('host-unreachable', `${left.join(', ')} could not be reached and was left as it is; everything else is done`, { hint: 'Run kubekeep apply again when the host is back.' });
}
