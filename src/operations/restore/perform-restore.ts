import type { HostSpec } from '../../cluster/cluster.ts';
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
import { closeScript, forgetScript, noteScript, stopEtcdScript } from './host-scripts.ts';
import { followAgain, openFirst, restartKubelets, startOn } from './open-cluster.ts';
import { placeData, readKept } from './place-data.ts';
import type { RestorePhase, RestorePhaseName } from './restore-plan.ts';
import { keepFinished, keepUnfinished, recordText } from './restore-record.ts';
import type { Restoring } from './restoring.ts';

/** Performs the phases in their order, each on all of its hosts together. What was done before is seen and not done again. */
export async function performRestore(work: Restoring, phases: readonly RestorePhase[]): Promise<void> {
  let now = work;
  for (const phase of phases) {
    now = await before(phase.name, now);
    await parallel(phase.steps, (step) => tracked({ ...step, reasons: [] }, now, () => perform[phase.name](now, now.cluster.hosts.find(({ name }) => name === step.host)!)));
    now = await behind(phase.name, now);
  }
}

const perform: Readonly<Record<RestorePhaseName, (work: Restoring, spec: HostSpec) => Promise<unknown>>> = {
  prepare: async (work, { name }) => {
    const step = stepsOf(work.prepared.plan).find(({ host, component }) => host === name && component === 'system');
    if (step) await prepareHost(step, work);
  },
  close: (work, { name }) => runOn(work, name, closeScript(work.token, recordText(work.record)), { what: 'closing the cluster', timeout: 300_000 }),
  stop: (work, { name }) => runOn(work, name, stopEtcdScript(work.token), { what: 'stopping etcd', timeout: 180_000 }),
  data: (work, spec) => placeData({ ...work, source: work.source! }, spec),
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
  // Workers find the cluster again by themselves, or apply lets them join.
  finish: (work) => finish(work, work.answering.filter(({ roles }) => !roles.includes('worker'))),
};

/** What has to be known before a phase begins. */
async function before(name: RestorePhaseName, work: Restoring): Promise<Restoring> {
  if (name === 'close') await keepUnfinished(work.state, work.record);
  if (name === 'data' && work.source === undefined) return { ...work, source: await readKept(work) };
  return work;
}

/** What holds from then on. */
async function behind(name: RestorePhaseName, work: Restoring): Promise<Restoring> {
  // The hosts are not what they were when the first plan was made.
  if (name === 'data' || name === 'stop') return { ...work, prepared: await preparedNow(work) };
  if (name === 'check') return opened(work);
  if (name === 'control') {
    await restartKubelets(work);
    await followAgain(work);
  }
  if (name === 'finish') {
    await parallel(work.answering, (spec) => runOn(work, spec.name, forgetScript(work.token), { what: 'noting the end of the restore' }));
    await keepFinished(work.state, work.record);
  }
  return work;
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
