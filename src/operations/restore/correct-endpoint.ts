import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { Cluster } from '../../cluster/cluster.ts';

/** Where kubeadm writes down the address of the API: what joins, and what runs on nodes, reads it there. */
const places = [
  { path: '/api/v1/namespaces/kube-public/configmaps/cluster-info', key: 'kubeconfig', line: /^(\s*(?:- )?server: )\S+$/gm, scheme: 'https://' },
  { path: '/api/v1/namespaces/kube-system/configmaps/kube-proxy', key: 'kubeconfig.conf', line: /^(\s*(?:- )?server: )\S+$/gm, scheme: 'https://' },
  { path: '/api/v1/namespaces/kube-system/configmaps/kubeadm-config', key: 'ClusterConfiguration', line: /^(controlPlaneEndpoint: )\S+$/gm, scheme: '' },
] as const;

interface ConfigMap {
  readonly data?: Readonly<Record<string, string>>;
}

/** Puts the endpoint of the cluster file where another one is named; the paths of what was changed. What is not there stays so. */
export async function correctEndpoint(api: ApiClient, { endpoint }: Pick<Cluster, 'endpoint'>): Promise<string[]> {
  const changed: string[] = [];
  for (const { path, key, line, scheme } of places) {
    const found = await api.get<ConfigMap>(path).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    });
    const text = found?.data?.[key];
    const right = text?.replace(line, `$1${scheme}${endpoint.vip}:${endpoint.port}`);
    if (right === undefined || right === text || (text !== undefined && namesOf(endpoint, text))) continue;
    await api.patch(path, { data: { [key]: right } });
    changed.push(path);
  }
  return changed;
}

/** A name that still leads to the endpoint is left as it is. */
function namesOf({ names, port }: Cluster['endpoint'], text: string): boolean {
  return names.some((name) => text.includes(`${name}:${port}`));
}
