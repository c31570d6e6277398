import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { apiReady, etcdReady, waitForHost } from '../gates.ts';
import { observe } from '../observe.ts';
import { finish } from '../phases/finish.ts';
import { runOn } from '../phases/note-on.ts';
import { prepareHost } from '../phases/prepare-host.ts';
import { tracked } from '../phases/tracked.ts';
import { stepsOf } from '../plan/plan.ts';
import { planFrom } from '../prepare-plan.ts';
import { checkMembers } from './check-members.ts';
import { clearAttemptScript, closeScript, discardScript, finalScript, forgetScript, noteScript, stopEtcdScript } from './host-scripts.ts';
import { followAgain, openFirst, restartKubelets, startOn } from './open-cluster.ts';
import { makeData, placeData, readKept } from './place-data.ts';
import type { RestorePhase, RestorePhaseName } from './restore-plan.ts';
import { endedBy, keepFinished, keepUnfinished, recordText } from './restore-record.ts';
import type { Restoring } from './restoring.ts';

/** Performs the phases in their order, each on all of its hosts together. What was done before is seen and not done again. */
export async function performRestore(work: Restoring, phases: readonly RestorePhase[]): Promise<void> {
  let now = work;
  for (const phase of phases) {
    now = await before(phase.name, now);
    const performed = parallel(phase.steps, (step) => tracked({ ...step, reasons: [] }, now, () => perform[phase.name](now, now.cluster.hosts.find(({ name }) => name === step.host)!)));
    await (phase.name === 'prepare' ? orDiscarded(performed, now) : performed);
    now = await behind(phase.name, now);
  }
}

const perform: Readonly<Record<RestorePhaseName, (work: Restoring, spec: HostSpec) => Promise<unknown>>> = {
  prepare: async (work, spec) => {
    const step = stepsOf(work.prepared.plan).find(({ host, component }) => host === spec.name && component === 'system');
    if (step) await prepareHost(step, work);
    const { source } = work;
    // What takes long is done while the cluster still serves.
    if (source && spec.roles.includes('etcd')) await makeData({ ...work, source }, spec);
  },
  close: (work, { name }) => runOn(work, name, closeScript(work.token, recordText(work.record)), { what: 'closing the cluster', timeout: 300_000 }),
  stop: (work, { name }) => runOn(work, name, stopEtcdScript(work.token), { what: 'stopping etcd', timeout: 180_000 }),
  data: async (work, spec) => {
    // That of a roll-back is known only now.
    if (work.record.kind === 'roll-back') await makeData({ ...work, source: work.source! }, spec);
    await placeData(work, spec);
  },
  etcd: async (work, spec) => {
    await startOn(work, spec, ['etcd']);
    await waitForHost(work, spec, [etcdReady]);
  },
  check: (work) => checkMembers(work),
  first: openFirst,
  open: async (work, spec) => {
    await startOn(work, spec, ['kube-apiserver']);
    await waitForHost(work, spec, [apiReady]);
  },
  balance: (work, spec) => startOn(work, spec, ['haproxy', 'keepalived']),
  control: (work, spec) => startOn(work, spec, ['kube-scheduler', 'kube-controller-manager']),
  // Nodes find the cluster again by themselves, or apply lets them join.
  finish: (work) => finish(work, work.answering.filter(({ roles }) => !roles.includes('worker')).map((host) => ({ ...host, kubelet: false }))),
};

/** What has to be known before a phase begins. */
async function before(name: RestorePhaseName, work: Restoring): Promise<Restoring> {
  if (name === 'prepare' && work.record.attempt > 1) await onMembers(work, clearAttemptScript(work.token, work.record.id), 'removing what was made before');
  if (name === 'close') await keepUnfinished(work.state, work.record);
  // Behind the notes of all hosts: where it is found, the restore was opened.
  if (name === 'first') await onMembers(work, finalScript(work.token, work.record.id), 'noting that the restored data stays');
  if (name === 'data' && work.source === undefined) return { ...work, source: await readKept(work) };
  return work;
}

/** Nothing was begun: of what goes no farther nothing stays on the hosts either, where they still answer. */
async function orDiscarded(prepared: Promise<unknown>, work: Restoring): Promise<void> {
  try {
    await prepared;
    work.signal.throwIfAborted();
  } catch (error) {
    await parallel(work.answering, ({ name }) => runOn(work, name, discardScript(work.token), { what: 'tidying up' })).catch(() => {});
    throw error;
  }
}

/** What holds from then on. */
async function behind(name: RestorePhaseName, work: Restoring): Promise<Restoring> {
  // The hosts are not what they were when the first plan was made.
  if (name === 'data' || (name === 'stop' && work.record.kind === 'roll-back')) return { ...work, prepared: await preparedNow(work) };
  if (name === 'check') return opened(work);
  if (name === 'control') {
    await restartKubelets(work);
    await followAgain(work);
  }
  if (name === 'finish') {
    await parallel(work.answering, ({ name }) => forgetOn(work, name));
    await keepFinished(work.state, work.record);
  }
  return work;
}

/** It is over all the same where one dies that moment: the others know. */
async function forgetOn(work: Restoring, name: string): Promise<void> {
  try {
    await runOn(work, name, forgetScript(work.token, endedBy(work.record)), { what: 'noting the end of the restore' });
  } catch (error) {
    if (!(error instanceof KubekeepError && error.code === 'host-unreachable')) throw error;
    work.progress({ type: 'note', host: name, title: 'it does not know that the restore is finished; kubekeep apply takes it in when it is back', detail: error.message });
  }
}

async function preparedNow(work: Restoring): Promise<Restoring['prepared']> {
  const { cluster, hosts, clock, signal, prepared: { opened: secrets, facts: { takenRouterIds } } } = work;
  const facts = await observe(cluster, hosts, { clock, signal });
  return planFrom(work, { ...facts, ...(takenRouterIds && { takenRouterIds }) }, secrets);
}

/** From here on clients may write to the restored etcd: its data is never replaced again by this restore. */
async function opened(work: Restoring): Promise<Restoring> {
  const record = { ...work.record, opened: true };
  await parallel(work.answering, (spec) => runOn(work, spec.name, noteScript(work.token, recordText(record)), { what: 'noting the restore' }));
  await keepUnfinished(work.state, record);
  return { ...work, record };
}

async function onMembers(work: Restoring, script: string, what: string): Promise<void> {
  await parallel(hostsWith(work.cluster, 'etcd').filter((spec) => work.answering.includes(spec)), ({ name }) => runOn(work, name, script, { what, timeout: 180_000 }));
}
