import { KubekeepError } from '../lib/errors.ts';
import { reachable } from './facts.ts';
import { observe } from './observe.ts';
import type { Operation } from './operation.ts';
import { openKeptSecrets, openSecrets, type OpenedSecrets } from './state.ts';

/**
 * The secrets of a cluster that has been built: from the state folder alone where they are there, else from a host's copy. Throws `state-broken`
 * where nobody has any, and what `openSecrets` throws.
 */
export async function existingSecrets({ cluster, hosts, state, identityFile, clock, signal }: Operation): Promise<OpenedSecrets> {
  const kept = await openKeptSecrets(state, { cluster: cluster.name, identityFile });
  if (kept) return kept;
  const facts = await observe(cluster, hosts, { clock, signal });
  const seen = [...facts.hosts.values()].filter(reachable);
  if (!seen.some(({ sealed, identity }) => sealed ?? identity)) {
    const silent = [...facts.hosts].filter(([, found]) => !reachable(found)).map(([name]) => name);
    const where = silent.length === 0 ? 'no host has a copy' : `no host that answers has a copy (${silent.join(', ')} cannot be reached)`;
    throw new KubekeepError('state-broken', `there are no keys of cluster ${cluster.name}: ${state.path} has none and ${where}`, { hint: 'kubekeep apply builds the cluster; an old one needs its identity: KUBEKEEP_IDENTITY=FILE, and kubekeep restore state where nothing else is left.' });
  }
  return openSecrets(state, { cluster: cluster.name, facts, identityFile, now: clock.now() });
}
