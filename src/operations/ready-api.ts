import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { hostsWith } from '../cluster/cluster.ts';
import { KubekeepError, toKubekeepError } from '../lib/errors.ts';
import { apiAt, apiCertificate } from './clients.ts';
import { existingSecrets } from './existing-secrets.ts';
import type { Operation } from './operation.ts';

/** A client of the first API server of the cluster's hosts that is ready; nothing else is looked at. Throws `host-unreachable`, and what `existingSecrets` throws. */
export async function readyApi(operation: Operation): Promise<ApiClient> {
  const { cluster, hosts, clock, signal } = operation;
  const { secrets } = await existingSecrets(operation);
  const certificate = apiCertificate(secrets, clock.now());
  const reasons: string[] = [];
  for (const { name, address } of hostsWith(cluster, 'control-plane')) {
    signal.throwIfAborted();
    try {
      const api = await apiAt(address, 6443, hosts.get(name)!, secrets, clock.now(), certificate);
      const { ready, failed } = await api.readyz({ signal }).catch((error: unknown) => {
        api.close();
        throw error;
      });
      if (ready) return api;
      api.close();
      reasons.push(`${name}: not ready (${failed.join(', ')})`);
    } catch (error) {
      const { code, message } = toKubekeepError(error);
      if (code === 'bug' || code === 'interrupted') throw error;
      reasons.push(`${name}: ${message}`);
    }
  }
  throw new KubekeepError('host-unreachable', `no API server of cluster ${cluster.name} is ready: ${reasons.join('; ')}`, { hint: 'kubekeep status says what is wrong. Another one, such as that of a new cluster, is named with --kubeconfig FILE.' });
}
