import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import { controlPlaneKey } from '../../render/kubelet.ts';

/** Says of the node of a host of the control plane that it is one: no kubelet may say that of its own node. Its taint it brings itself. */
export async function labelNode(api: ApiClient, { name, roles }: HostSpec): Promise<void> {
  if (roles.includes('control-plane')) await api.patch(`/api/v1/nodes/${name}`, { metadata: { labels: { [controlPlaneKey]: '' } } });
}
