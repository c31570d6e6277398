import { isNode, type HostSpec } from '../cluster/cluster.ts';
import { parallel } from '../lib/parallel.ts';
import { apiReady, etcdReady, servesThrough, unitActive, waitForHost, type Gate } from './gates.ts';
import type { Operation } from './operation.ts';

/** What is needed to look at hosts. */
type Looking = Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal'>;

/** Waits until every one of these hosts does everything that its roles ask for. Throws `not-healthy` with what is still missing. */
export async function waitUntilHealthy(operation: Looking, hosts: readonly HostSpec[] = operation.cluster.hosts, seconds = 120): Promise<void> {
  const servers = hosts.filter(({ roles }) => roles.includes('control-plane')).map(({ name }) => name);
  await parallel(hosts, async (spec) => {
    const gates: Gate[] = [
      ...(spec.roles.includes('etcd') ? [etcdReady] : []),
      ...(spec.roles.includes('control-plane') ? [apiReady, unitActive('kube-controller-manager.service'), unitActive('kube-scheduler.service')] : []),
      ...(isNode(spec) ? [unitActive('containerd.service'), unitActive('kubelet.service'), unitActive('kube-proxy.service')] : []),
      ...(spec.roles.includes('load-balancer') ? [servesThrough(servers), unitActive('kubekeep-keepalived.service')] : []),
    ];
    await waitForHost(operation, spec, gates, seconds);
  });
}
