import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { hostsWith } from '../cluster/cluster.ts';
import { apiAt } from '../operations/clients.ts';
import type { Reach } from './stage.ts';

/** Speaks to the API through the VIP, as an administrator, by way of the first balancer's SSH. */
export async function apiThroughVip<T>({ operation: { cluster, hosts, clock }, secrets }: Reach, use: (api: ApiClient) => Promise<T>): Promise<T> {
  const [balancer] = hostsWith(cluster, 'load-balancer');
  const api = await apiAt(cluster.endpoint.vip, cluster.endpoint.port, hosts.get(balancer!.name)!, secrets, clock.now());
  try {
    return await use(api);
  } finally {
    api.close();
  }
}
