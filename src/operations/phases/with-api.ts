import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { apiAt } from '../clients.ts';
import { reachable } from '../facts.ts';
import { apiReady, waitForHost } from '../gates.ts';
import type { Work } from './work.ts';

type Reaching = Pick<Work, 'cluster' | 'hosts' | 'clock' | 'signal' | 'prepared'>;

/** The first control-plane host that answered when the plan was made. Throws `host-unreachable`. */
export function controlHost({ cluster, prepared }: Pick<Reaching, 'cluster' | 'prepared'>): HostSpec {
  const host = hostsWith(cluster, 'control-plane').find(({ name }) => reachable(prepared.facts.hosts.get(name)));
  if (host) return host;
  throw new KubekeepError('host-unreachable', 'no control-plane host can be reached, so nothing can be done to the workers', { hint: 'Bring one back, then run kubekeep apply again.' });
}

/** Speaks with the API server of one control-plane host, which gets the time to become ready. Throws what `use` throws, and `not-healthy`. */
export async function withApi<T>(work: Reaching, use: (api: ApiClient) => Promise<T>): Promise<T> {
  const host = controlHost(work);
  await waitForHost(work, host, [apiReady]);
  const api = await apiAt(host.address, 6443, work.hosts.get(host.name)!, work.prepared.opened.secrets, work.clock.now());
  try {
    return await use(api);
  } finally {
    api.close();
  }
}
