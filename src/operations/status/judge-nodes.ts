import { nodeHosts, type Cluster } from '../../cluster/cluster.ts';
import { lacksNetwork } from '../lacks-network.ts';
import { leftNodes } from '../plan/left-nodes.ts';
import type { Finding } from './cluster-status.ts';
import type { Observation } from './observation.ts';

/** What could not be read, nodes that the cluster file has lost, those that came by `join-command` and are not ready or wait for a certificate, a DNS that answers no pod, and what is gone of the user's manifests. Nodes of the cluster file are spoken of with their kubelets. */
export function judgeNodes(observation: Observation): { readonly findings: readonly Finding[] } {
  const { cluster, nodes, unread = [] } = observation;
  return { findings: [...unread.map(notRead), ...leftNodes(cluster, nodes), ...joinedNodes(observation), ...waitingNodes(observation), ...dns(observation), ...manifests(observation)] };
}

function notRead(message: string): Finding {
  return { message, next: 'Where no API server is ready that comes first; else journalctl -u kube-apiserver on the hosts of the control plane says more.' };
}

/** What is to be done about a node that has no network for pods; undefined where that is not what it says. `managed`: it is a host of the cluster file. */
export function networkAdvice({ networks }: Pick<Cluster, 'networks'>, reason: string, { managed }: { readonly managed: boolean }): string | undefined {
  if (!lacksNetwork(reason)) return undefined;
  if (networks.cni === 'none') return 'networks.cni is none: install a network plugin, for example by kubekeep apply --manifest FILE.';
  return managed ? 'kubekeep apply writes the network of its pods.' : 'networks.cni: bridge serves hosts of the cluster file alone: give the machine a place there as a worker, or use a network plugin with networks.cni: none.';
}

function joinedNodes({ cluster, nodes }: Observation): readonly Finding[] {
  const known = new Set(cluster.hosts.map(({ name }) => name));
  return [...nodes?.nodes ?? []].filter(([name, node]) => !known.has(name) && !node.managed && !node.ready).map(([name, { reason }]) => ({
    message: `node ${name}, which joined by join-command, is not ready: ${reason}`,
    next: networkAdvice(cluster, reason, { managed: false }) ?? `kubekeep kubectl -- describe node ${name} says more; kubekeep hosts remove ${name} takes it out of the cluster.`,
  }));
}

/** Their pods run, and nobody reads their logs. */
function waitingNodes({ cluster, nodes }: Observation): readonly Finding[] {
  const known = new Set(cluster.hosts.map(({ name }) => name));
  const waiting = new Set(nodes?.requests.map(({ node }) => node));
  return [...nodes?.nodes ?? []].filter(([name, node]) => waiting.has(name) && !known.has(name) && !node.managed).map(([name, { address }]) => ({
    message: `node ${name}, which joined by join-command, waits for the certificate under which its kubelet serves: logs and exec of its pods do not work`,
    next: `kubekeep hosts approve ${name} --address ${address ?? 'ADDRESS'} grants it, if that is its address.`,
  }));
}

function dns({ cluster, dns: found }: Observation): readonly Finding[] {
  if (cluster.networks.dns !== 'coredns' || nodeHosts(cluster).length === 0 || found?.deployment?.told === undefined || found.deployment.ready > 0) return [];
  const { replicas } = found.deployment;
  const next = replicas === 0 ? 'kubekeep kubectl -- scale -n kube-system deployment/coredns --replicas=2 brings it back.' : 'kubekeep kubectl -- describe pods -n kube-system -l k8s-app=kube-dns says why; nodes that are not ready come first.';
  return [{ message: `no pod of CoreDNS is ready${replicas === 0 ? ', and none is wanted' : ''}: pods find nothing by its name`, next }];
}

function manifests({ manifests: found = [] }: Observation): readonly Finding[] {
  return found.filter(({ gone }) => gone.length > 0).map(({ file, gone }) => ({
    message: `${gone[0]!}${gone.length > 1 ? ` and ${gone.length - 1} more` : ''} of manifest ${file} ${gone.length > 1 ? 'are' : 'is'} gone`,
    next: `kubekeep apply --manifest ${file} puts ${gone.length > 1 ? 'them' : 'it'} back; with a file of that name that has ${gone.length > 1 ? 'them' : 'it'} no more nothing is missed.`,
  }));
}
