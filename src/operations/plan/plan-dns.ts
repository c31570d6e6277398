import { addressInNetwork, isNode, nodeHosts, type Cluster } from '../../cluster/cluster.ts';
import type { ClusterFacts, DnsFact } from '../facts.ts';
import { contentHash } from './judge-component.ts';
import type { SeenHost, Step } from './step.ts';

/** What brings DNS to the pods: one step for all of it. A DNS of somebody else stays. */
export function dnsSteps(cluster: Cluster, seen: readonly SeenHost[], { dns }: Pick<ClusterFacts, 'dns'>): Step[] {
  const host = seen.find((one) => one.host.roles.includes('control-plane'))?.host;
  const joining = seen.some(({ host: spec, found }) => isNode(spec) && !found.joined);
  if (!isWanted(cluster) || !host || (dns === undefined ? !joining : foreignDns(cluster, dns) !== undefined)) return [];
  // Where nobody could be asked, the step asks before it makes anything.
  const reason = dns === undefined ? 'nothing answers pods that ask for names' : whyInstall(cluster, dns);
  if (reason === undefined) return [];
  return [{ id: 'cluster/dns', host: host.name, component: 'cluster', title: 'DNS for pods: install CoreDNS', reasons: [reason], action: 'install', write: [], programs: [], effect: 'pods of CoreDNS are replaced one after the other' }];
}

export function dnsWarnings(cluster: Cluster, { dns }: Pick<ClusterFacts, 'dns'>): string[] {
  const foreign = isWanted(cluster) && dns ? foreignDns(cluster, dns) : undefined;
  return foreign === undefined ? [] : [foreign];
}

/** A sentence about a DNS that did not come from kubekeep and stays; undefined where there is none. */
export function foreignDns({ networks }: Pick<Cluster, 'networks'>, { service, deployment }: DnsFact): string | undefined {
  const what = service?.ours === false ? `Service ${service.name} has ${addressInNetwork(networks.services, 10)}` : service === undefined && deployment !== undefined && deployment.told === undefined ? 'Deployment kube-system/coredns is there' : undefined;
  return what && `DNS for pods did not come from kubekeep and is left as it is: ${what}. Say networks.dns: none in the cluster file to keep it, or delete it to have CoreDNS by apply`;
}

/** Tells whether CoreDNS was installed with what it would be installed with now. */
export function dnsHash({ kubernetes, networks }: Pick<Cluster, 'kubernetes' | 'networks'>): string {
  return contentHash([kubernetes.version, kubernetes.imageRepository, networks.services, networks.dnsDomain].join('\n'));
}

function isWanted(cluster: Cluster): boolean {
  return cluster.networks.dns === 'coredns' && nodeHosts(cluster).length > 0;
}

function whyInstall(cluster: Cluster, { service, config, deployment }: DnsFact): string | undefined {
  if (!service && !deployment) return 'nothing answers pods that ask for names';
  if (!service) return 'its Service is missing';
  if (!config) return 'its ConfigMap is missing';
  if (!deployment) return 'its Deployment is missing';
  if (deployment.told !== dnsHash(cluster)) return 'the cluster file has changed since';
  return deployment.made === deployment.template ? undefined : 'the pods of its Deployment were changed by hand';
}
