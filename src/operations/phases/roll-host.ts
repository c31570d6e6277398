import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { etcdOf } from '../clients.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import { apiReady, etcdReady, mayDisturb, servesThrough, unitActive, waitForHost, type Gate } from '../gates.ts';
import type { Step } from '../plan/step.ts';
import { joinEtcd } from './join-etcd.ts';
import { performComponent } from './perform-component.ts';
import { removeBalancer } from './remove-balancer.ts';
import type { Work } from './work.ts';

export type Track = (step: Step, run: () => Promise<void>) => Promise<void>;

/** Changes one host of a cluster that serves: asks first whether it may be disturbed, and goes on only when it serves again. */
export async function rollHost(work: Work, spec: HostSpec, steps: readonly Step[], track: Track): Promise<void> {
  const restarts = (component: Step['component']) => steps.some((step) => step.component === component && step.action === 'restart');
  const etcd = restarts('etcd');
  // The API server stops and starts with the member that it uses.
  const facts = await mayDisturb(work, spec, { etcd, apiServer: etcd || restarts('kube-apiserver') }, reachableHosts(work));
  for (const step of steps) {
    await track(step, async () => {
      if (step.action === 'join') return joinEtcd(step, work);
      if (step.action === 'remove') return removeBalancer(step, work, spec);
      if (step.component === 'etcd' && step.action === 'restart') await handOverLeadership(work, spec, facts);
      await performComponent(step, work, { wait: step.action !== 'start' });
      await waitForHost(work, spec, gatesAfter(step));
    });
  }
  await waitUntilServing(work, spec, facts, steps);
}

/** Those that answered when the plan was made: waiting for the others again at every host would take minutes. */
function reachableHosts({ cluster, prepared }: Work): readonly HostSpec[] {
  return cluster.hosts.filter(({ name }) => reachable(prepared.facts.hosts.get(name)));
}

function gatesAfter({ component }: Step): Gate[] {
  if (component === 'etcd') return [etcdReady];
  if (component === 'kube-apiserver') return [apiReady];
  const units: Partial<Record<Step['component'], string>> = {
    'kube-controller-manager': 'kube-controller-manager.service',
    'kube-scheduler': 'kube-scheduler.service',
    'haproxy': 'kubekeep-haproxy.service',
    'keepalived': 'kubekeep-keepalived.service',
  };
  const unit = units[component];
  return unit ? [unitActive(unit)] : [];
}

/** The next host is touched only when every balancer that can be reached sends connections to this one again. */
async function waitUntilServing(work: Work, spec: HostSpec, facts: ClusterFacts, steps: readonly Step[]): Promise<void> {
  const api = steps.some(({ component }) => component === 'kube-apiserver' || component === 'etcd') && spec.roles.includes('control-plane');
  const balancer = steps.some(({ component, action }) => component === 'haproxy' && action !== 'remove');
  if (api) await waitForHost(work, spec, [apiReady]);
  const observers = api ? hostsWith(work.cluster, 'load-balancer') : balancer ? [spec] : [];
  for (const one of observers) {
    const found = facts.hosts.get(one.name);
    if (reachable(found) && found.backends.length > 0) await waitForHost(work, one, [servesThrough([balancer && !api ? readyServer(work, facts) : spec.name])]);
  }
}

function readyServer(work: Work, facts: ClusterFacts): string {
  const servers = hostsWith(work.cluster, 'control-plane');
  return (servers.find(({ name }) => { const found = facts.hosts.get(name); return reachable(found) && found.apiServer.ready; }) ?? servers[0]!).name;
}

/** A leader that is to be restarted hands over first: a planned change of leader takes milliseconds, an election about a second. */
async function handOverLeadership(work: Work, spec: HostSpec, facts: ClusterFacts): Promise<void> {
  const found = facts.hosts.get(spec.name);
  if (!reachable(found) || !found.etcd.ready) return;
  const client = await etcdOf(spec, work.hosts.get(spec.name)!, work.prepared.opened.secrets, work.clock.now());
  try {
    const [status, members] = await Promise.all([client.status(), client.members()]);
    if (status.leader !== status.member) return;
    const ready = members.filter(({ id, name, isLearner }) => id !== status.member && !isLearner && isReady(facts, name));
    if (ready[0]) await client.moveLeader(ready[0].id);
  } finally {
    client.close();
  }
}

function isReady(facts: ClusterFacts, name: string): boolean {
  const found = facts.hosts.get(name);
  return reachable(found) && found.etcd.ready;
}
