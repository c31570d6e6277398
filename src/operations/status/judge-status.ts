import { reachable } from '../facts.ts';
import { hostsRestoring } from '../plan/hosts-restoring.ts';
import type { ClusterStatus, Finding } from './cluster-status.ts';
import { judgeBalancers } from './judge-balancers.ts';
import { judgeCertificates } from './judge-certificates.ts';
import { judgeComponents } from './judge-components.ts';
import { judgeDrift } from './judge-drift.ts';
import { judgeEndpoint } from './judge-endpoint.ts';
import { judgeEtcd } from './judge-etcd.ts';
import { judgeLeases } from './judge-leases.ts';
import { judgeNodes } from './judge-nodes.ts';
import { judgeServices } from './judge-services.ts';
import { judgeVersions } from './judge-versions.ts';
import type { Observation } from './observation.ts';
import { list, shortReason } from './words.ts';

/** Says what is true of a cluster and what of it is not as it should be. Pure: the same observation gives the same status. */
export function judgeStatus(observation: Observation): ClusterStatus {
  const { cluster, facts } = observation;
  const leases = judgeLeases(observation);
  const components = judgeComponents(observation, leases.status);
  const certificates = judgeCertificates(observation);
  const endpoint = judgeEndpoint(observation);
  const etcd = judgeEtcd(observation);
  const balancers = judgeBalancers(observation, components.status);
  const nodes = judgeNodes(observation);
  const services = judgeServices(observation);
  const versions = judgeVersions(observation);
  const drift = judgeDrift(observation, components.status);
  const degraded = isBuilt(observation)
    ? [restoring(observation), endpoint, etcd, components, balancers, nodes, services, leases, certificates, versions, drift].flatMap(({ findings }) => findings)
    : notBuilt(observation);
  return {
    cluster: cluster.name,
    observedAt: new Date(facts.observedAt).toISOString(),
    healthy: degraded.length === 0,
    degraded,
    notes: [...balancers.notes, ...services.notes, ...closedNodes(observation)],
    endpoint: endpoint.status,
    hosts: cluster.hosts.map(({ name, address, roles }) => {
      const found = facts.hosts.get(name);
      return {
        name,
        address,
        roles,
        reachable: reachable(found),
        reason: reachable(found) ? undefined : shortReason(found?.reason ?? 'was not asked'),
        components: components.status.get(name) ?? [],
        certificate: certificates.status.get(name),
      };
    }),
    etcd: etcd.status,
    balancers: balancers.status,
    services: services.status,
    leases: leases.status,
    versions: versions.status,
    drift: drift.status,
  };
}

/** Somebody's wish and no fault, but easily forgotten. */
function closedNodes({ cluster, nodes }: Observation): string[] {
  const closed = cluster.hosts.filter(({ name }) => nodes?.nodes.get(name)?.cordoned).map(({ name }) => name);
  return closed.length === 0 ? [] : [`${list(closed)} ${closed.length === 1 ? 'is' : 'are'} cordoned and get${closed.length === 1 ? 's' : ''} no new pods`];
}

/** Everything else that is wrong may follow from it. */
function restoring({ facts }: Observation): { readonly findings: readonly Finding[] } {
  const hosts = hostsRestoring(facts);
  if (hosts.length === 0) return { findings: [] };
  return { findings: [{ message: `a restore of the whole cluster is not finished on ${list(hosts)}`, next: 'kubekeep restore cluster with the same --at goes on, with --roll-back it goes back.' }] };
}

/** Where no host that answers belongs to a cluster there is nothing to be degraded; hosts that do not answer may know more. */
function isBuilt({ facts }: Observation): boolean {
  const seen = [...facts.hosts.values()].filter(reachable);
  return seen.length === 0 || seen.some(({ identity, etcd }) => identity !== undefined || etcd.formed);
}

function notBuilt({ cluster, facts }: Observation): Finding[] {
  const silent = cluster.hosts.flatMap(({ name }) => {
    const found = facts.hosts.get(name);
    return reachable(found) ? [] : [{ message: `${name} cannot be reached: ${shortReason(found?.reason ?? '')}`, next: 'Check its address and SSH.' }];
  });
  return [{ message: 'the cluster has not been built', next: 'kubekeep apply builds it.' }, ...silent];
}
