import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { hostsWith, type HostSpec } from '../cluster/cluster.ts';
import { KubekeepError, toKubekeepError } from '../lib/errors.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';
import { apiAt, apiCertificate } from './clients.ts';
import { existingSecrets } from './existing-secrets.ts';
import type { Operation } from './operation.ts';

/** An API server that is ready, which whoever asked for it closes, and its host; or why none is, host by host. */
export type FoundApi = { readonly ok: true; readonly api: ApiClient; readonly host: HostSpec } | { readonly ok: false; readonly reasons: readonly string[] };

/** The first API server of these hosts that is ready now. */
export async function findReadyApi({ hosts, clock, signal }: Pick<Operation, 'hosts' | 'clock' | 'signal'>, among: readonly HostSpec[], secrets: ClusterSecrets): Promise<FoundApi> {
  const certificate = apiCertificate(secrets, clock.now());
  const reasons: string[] = [];
  for (const host of among) {
    signal.throwIfAborted();
    const api = await apiAt(host.address, 6443, hosts.get(host.name)!, secrets, clock.now(), certificate);
    const why = await whyNotReady(api, signal);
    if (why === undefined) return { ok: true, api, host };
    api.close();
    reasons.push(`${host.name}: ${why}`);
  }
  return { ok: false, reasons };
}

async function whyNotReady(api: ApiClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { ready, failed } = await api.readyz({ signal });
    return ready ? undefined : `not ready (${failed.join(', ')})`;
  } catch (error) {
    const { code, message } = toKubekeepError(error);
    if (code === 'bug' || code === 'interrupted') throw error;
    return message;
  }
}

/** A client of the first API server of the cluster's hosts that is ready; nothing else is looked at. Throws `host-unreachable`, and what `existingSecrets` throws. */
export async function readyApi(operation: Operation): Promise<ApiClient> {
  const { cluster } = operation;
  const { secrets } = await existingSecrets(operation);
  const found = await findReadyApi(operation, hostsWith(cluster, 'control-plane'), secrets);
  if (found.ok) return found.api;
  throw new KubekeepError('host-unreachable', `no API server of cluster ${cluster.name} is ready: ${found.reasons.join('; ')}`, { hint: 'kubekeep status says what is wrong. Another one, such as that of a new cluster, is named with --kubeconfig FILE.' });
}
