import { hostsWith } from '../../cluster/cluster.ts';
import { reachable, type BackendFact } from '../facts.ts';
import { isGood, type ComponentsByHost } from './judge-components.ts';
import type { BackendStatus, BalancerStatus, Finding, Treatment } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { Observation } from './observation.ts';
import { list } from './words.ts';

/** How each HAProxy treats each API server. That it leaves out one that is down is no fault; that it leaves out a good one is. */
export function judgeBalancers({ cluster, facts }: Observation, components: ComponentsByHost): Judged<readonly BalancerStatus[]> & { readonly notes: readonly string[] } {
  const servers = hostsWith(cluster, 'control-plane').map(({ name }) => name);
  const status = hostsWith(cluster, 'load-balancer').flatMap(({ name }) => {
    const found = facts.hosts.get(name);
    return reachable(found) && found.backends.length > 0 ? [{ host: name, servers: servers.map((server) => backendOf(server, found.backends)) }] : [];
  });
  const isServing = (server: string) => components.get(server)?.some((part) => part.name === 'kube-apiserver' && isGood(part)) === true;
  const findings = servers.filter(isServing).flatMap((server) => leftOut(server, status));
  const notes = servers
    .filter((server) => !reachable(facts.hosts.get(server)) && status.some((one) => one.servers.some((seen) => seen.server === server && seen.treatment === 'serves')))
    .map((server) => `${server} cannot be reached by SSH, but its API server serves`);
  return { status, findings, notes };
}

function backendOf(server: string, backends: readonly BackendFact[]): BackendStatus {
  const find = (backend: string) => backends.find((one) => one.backend === backend && one.server === server);
  const [live, ready] = [find('api'), find('api-ready')];
  return { server, treatment: treatmentOf(live?.status), live: live?.status ?? '', ready: ready?.status ?? '', sessions: live?.sessions ?? 0 };
}

function treatmentOf(status: string | undefined): Treatment {
  if (status === undefined || status === 'no check') return 'unknown';
  if (status.startsWith('UP')) return 'serves';
  return status.startsWith('DRAIN') || status.startsWith('NOLB') ? 'drains' : 'dead';
}

function leftOut(server: string, balancers: readonly BalancerStatus[]): Finding[] {
  const by = (treatment: Treatment) => balancers.filter((one) => one.servers.some((seen) => seen.server === server && seen.treatment === treatment)).map(({ host }) => host);
  const [dead, draining, unknown] = [by('dead'), by('drains'), by('unknown')];
  const next = `Check that ${server} can be reached from there at port 6443.`;
  return [
    ...(dead.length > 0 ? [{ message: `the API server on ${server} serves, but HAProxy on ${list(dead)} takes it for dead`, next }] : []),
    ...(draining.length > 0 ? [{ message: `the API server on ${server} serves, but HAProxy on ${list(draining)} drains it`, next: 'It was not ready a moment ago, or somebody drained it: kubekeep lb list says which.' }] : []),
    ...(unknown.length > 0 ? [{ message: `HAProxy on ${list(unknown)} does not know the API server on ${server}`, next: 'kubekeep apply brings its configuration up to date.' }] : []),
  ];
}
