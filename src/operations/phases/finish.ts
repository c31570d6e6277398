import { hostsWith, isNode, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { apiAt } from '../clients.ts';
import { reachable } from '../facts.ts';
import { waitUntilHealthy } from '../wait-until-healthy.ts';
import { noteOn } from './note-on.ts';
import { waitUntilReady } from './wait-until-ready.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/** Looks at everything from outside: each host, each balancer, and the API through the VIP; then notes that the cluster is complete. */
export async function finish(work: Work, here: readonly HostSpec[] = work.cluster.hosts.filter(({ name }) => reachable(work.prepared.facts.hosts.get(name)))): Promise<void> {
  const { cluster } = work;
  await waitUntilHealthy(work, here);
  await askThroughVip(work);
  const nodes = here.filter(isNode).map(({ name }) => name);
  // Without a network of ours nodes are ready when the user's plugin is there.
  if (nodes.length > 0 && cluster.networks.cni === 'bridge') await withApi(work, (api) => waitUntilReady(work, api, nodes));
  await parallel(here, (spec) => noteOn(work, spec, spec.roles.includes('etcd') ? ['formed', 'completed'] : ['completed']));
}

/** The administrators' group gets its rights by a binding, as kubeadm does it, so that they can be taken away again. */
const administrators = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'kubeadm:cluster-admins' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'kubeadm:cluster-admins' }],
};

async function askThroughVip(work: Work): Promise<void> {
  const { cluster, clock, signal, prepared } = work;
  const from = hostsWith(cluster, 'load-balancer').find(({ name }) => reachable(prepared.facts.hosts.get(name)));
  if (!from) throw new KubekeepError('not-healthy', 'no load balancer can be reached, so nobody can ask the API through the VIP', { hint: 'Bring one back, then run kubekeep apply again.' });
  const deadline = clock.monotonic() + 60_000;
  for (;;) {
    const api = await apiAt(cluster.endpoint.vip, cluster.endpoint.port, work.hosts.get(from.name)!, prepared.opened.secrets, clock.now());
    try {
      await api.get('/readyz');
      await api.apply(`/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${encodeURIComponent(administrators.metadata.name)}`, administrators, { fieldManager: 'kubekeep', force: true });
      return;
    } catch (error) {
      if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `the API does not answer through the VIP ${cluster.endpoint.vip}: ${(error as Error).message}`, { hint: 'kubekeep status shows who holds the VIP and what the balancers see.', cause: error });
    } finally {
      api.close();
    }
    await clock.sleep(300, signal);
  }
}
