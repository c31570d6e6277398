import { ApiError } from '../../clients/kubernetes/api-error.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { apiAt } from '../clients.ts';
import { reachable, type HostFacts } from '../facts.ts';
import { observeHost } from '../observe.ts';
import type { Operation } from '../operation.ts';
import { openKeptSecrets } from '../state.ts';

/** With what the keys of a cluster were compared: its API, what a host says of itself, or the state folder. */
export interface Compared {
  readonly by: 'api' | 'host' | 'state';
  /** A host, or the folder. */
  readonly name: string;
}

/** ms for the hosts to answer: the key is what is looked at. */
const patience = 8000;

/**
 * Whether secrets are those of the cluster that runs: its API shows a certificate of their CA and takes one that is made with it now. Where no API answers, what a host says; where no host does, what the
 * state folder has. Undefined where there is nothing to compare with; throws `cluster-mismatch` where it is another cluster.
 */
export async function compareCluster(operation: Operation, secrets: ClusterSecrets): Promise<Compared | undefined> {
  const { cluster, state } = operation;
  const looked = await parallel(hostsWith(cluster, 'control-plane'), async (spec) => ({ spec, found: await factsOf(operation, spec) }));
  let seen: Compared | undefined;
  for (const { spec, found } of looked) {
    if (!found?.identity) continue;
    if (found.identity.id !== secrets.clusterId) throw other(spec.name, found.identity.id, secrets);
    seen ??= { by: 'host', name: spec.name };
    if (await apiTakes(operation, spec, secrets)) return { by: 'api', name: spec.name };
  }
  if (seen) return seen;
  const kept = await openKeptSecrets(state, { cluster: cluster.name, identityFile: undefined }).catch(() => undefined);
  if (!kept) return undefined;
  if (kept.secrets.clusterId !== secrets.clusterId) throw other(state.path, kept.secrets.clusterId, secrets);
  return { by: 'state', name: state.path };
}

/** Undefined also where this computer may not look: the key is what is proved. */
async function factsOf({ hosts, signal }: Operation, spec: HostSpec): Promise<HostFacts | undefined> {
  const found = await observeHost(spec, hosts.get(spec.name)!, patience, signal).catch((error: unknown) => {
    if (error instanceof KubekeepError) return undefined;
    throw error;
  });
  return found && reachable(found) ? found : undefined;
}

/** False where it does not answer. */
async function apiTakes({ hosts, clock, signal }: Operation, { name, address }: HostSpec, secrets: ClusterSecrets): Promise<boolean> {
  try {
    const api = await apiAt(address, 6443, hosts.get(name)!, secrets, clock.now());
    try {
      await api.get('/api/v1/namespaces?limit=1', { signal });
      return true;
    } finally {
      api.close();
    }
  } catch (error) {
    if (error instanceof ApiError && (error.reason === 'Untrusted' || error.status === 401 || error.status === 403)) {
      throw new KubekeepError('cluster-mismatch', `the API server of ${name} does not go with the keys in the repository: ${error.message}`, { cause: error });
    }
    if (error instanceof KubekeepError) return false;
    throw error;
  }
}

function other(where: string, id: string, secrets: ClusterSecrets): KubekeepError {
  return new KubekeepError('cluster-mismatch', `${where} is of another cluster (id ${id.slice(0, 12)}) than the keys in the repository (id ${secrets.clusterId.slice(0, 12)})`);
}
