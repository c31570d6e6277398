import { rename, mkdir, copyFile, access } from 'node:fs/promises';
import { join } from 'node:path';
import { endpointVips, type HostSpec } from '../cluster/cluster.ts';
import { serviceVips } from '../cluster/service.ts';
import { expectSuccess } from '../hosts/local.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { destroyScript, destroyTimeout, forgetLockScript } from './destroy-script.ts';
import { reachable, type ClusterFacts } from './facts.ts';
import { openJournal } from './journal.ts';
import { takeLock } from './lock.ts';
import { observe, type Hosts } from './observe.ts';
import type { Operation } from './operation.ts';
import { openKeptSecrets, type StateFolder } from './state.ts';
import { stepExit } from './step-script.ts';

export interface DestroyOptions {
  /** Removes etcd's data, all that was put aside of it before, and the audit logs too. */
  readonly purge: boolean;
  /** Goes on without the hosts that cannot be reached; they keep what they have. */
  readonly skipUnreachable: boolean;
  /** Asked before anything is touched; false ends the operation with `needs-confirmation`. */
  readonly confirm: (hosts: readonly string[]) => Promise<boolean>;
}

export interface DestroyResult {
  readonly hosts: readonly DestroyedHost[];
  /** Where the keys and the journal of the cluster are now; none where there were none. */
  readonly state: string | undefined;
}

export interface DestroyedHost {
  readonly host: string;
  readonly outcome: 'destroyed' | 'nothing found' | 'left as it is';
  /** Paths that were left on the host on purpose. */
  readonly kept: readonly string[];
}

/**
 * Takes the cluster off its hosts. etcd's data is moved aside and the operator's state is renamed, so that a later `apply` builds a new cluster. Throws
 * `host-unreachable`, `cluster-mismatch`, `needs-confirmation`, `lock-held`; run again, it goes on where it was cut.
 */
export async function destroy(operation: Operation, { purge, skipUnreachable, confirm }: DestroyOptions): Promise<DestroyResult> {
  const { cluster, hosts, clock, signal, user, state } = operation;
  const facts = await observe(cluster, hosts, { clock, signal });
  await refuseOthers(operation, facts);
  const here = cluster.hosts.filter(({ name }) => reachable(facts.hosts.get(name)));
  const away = cluster.hosts.filter((host) => !here.includes(host));
  if (here.length === 0 || (away.length > 0 && !skipUnreachable)) throw unreachable(away, facts);
  if (!(await confirm(here.map(({ name }) => name)))) throw notConfirmed(cluster.name);
  const time = timeOf(clock.now());
  const destroyed = await destroyOn(operation, here, { purge, time });
  const answering: Hosts = new Map(here.map(({ name }) => [name, hosts.get(name)!]));
  await parallel([...answering.values()], (host) => host.run(forgetLockScript, { timeout: 10_000 }));
  await openJournal(state.journal, 'destroy', user, clock.now)({ event: 'ended' });
  return { hosts: [...destroyed, ...away.map(({ name }) => ({ host: name, outcome: 'left as it is' as const, kept: [] }))], state: await retireState(state, time) };
}

async function destroyOn(operation: Operation, here: readonly HostSpec[], { purge, time }: { purge: boolean; time: string }): Promise<DestroyedHost[]> {
  const { cluster, hosts, clock, user, state, progress } = operation;
  await using lock = await takeLock(hosts, operation);
  const journal = openJournal(state.journal, 'destroy', user, clock.now);
  await journal({ event: 'began', detail: purge ? 'everything' : "etcd's data is kept" });
  const script = destroyScript({ token: lock.token, time, purge, vips: [...endpointVips(cluster), ...serviceVips(cluster)] });
  // Awaited here: the lock is held until every host is done.
  return await parallel(here, async ({ name }) => {
    progress({ type: 'started', host: name, title: 'destroy' });
    // The script must not be left half-way: Ctrl-C waits for it.
    const result = await hosts.get(name)!.run(script, { timeout: destroyTimeout });
    if (result.exitCode === stepExit.lockLost) throw new KubekeepError('lock-lost', `${name}: another kubekeep has taken over the lock; nothing was removed there`, { hint: 'Run kubekeep destroy again.' });
    const lines = expectSuccess(result, 'destroying').stdout.trim().split('\n');
    const kept = lines.filter((line) => line.startsWith('kept ')).map((line) => line.slice(5));
    progress({ type: 'done', host: name, title: 'destroy', detail: kept.length > 0 ? `kept ${kept.join(', ')}` : '' });
    await journal({ event: 'step done', step: `${name}/destroy` });
    return { host: name, outcome: lines.includes('destroyed') ? 'destroyed' : 'nothing found', kept };
  });
}

/** A host of another cluster is never touched, whoever confirms it. Without the keys the cluster's name has to do. */
async function refuseOthers({ cluster, state, identityFile }: Operation, facts: ClusterFacts): Promise<void> {
  const kept = await openKeptSecrets(state, { cluster: cluster.name, identityFile }).catch((error: unknown) => {
    if (error instanceof KubekeepError && error.code === 'identity-missing') return undefined;
    throw error;
  });
  const owned = [...facts.hosts].flatMap(([host, found]) => (reachable(found) && found.identity ? [{ host, identity: found.identity }] : []));
  const id = kept?.secrets.clusterId ?? owned[0]?.identity.id;
  const other = owned.find(({ identity }) => identity.id !== id || (kept === undefined && identity.cluster !== cluster.name));
  if (!other) return;
  throw new KubekeepError('cluster-mismatch', `${other.host} belongs to another cluster (${other.identity.cluster}, id ${other.identity.id.slice(0, 12)}); nothing was touched`, { hint: 'Check the addresses in the cluster file.' });
}

function unreachable(away: readonly HostSpec[], facts: ClusterFacts): KubekeepError {
  const found = facts.hosts.get(away[0]!.name);
  return new KubekeepError('host-unreachable', `${away.map(({ name }) => name).join(', ')} cannot be reached, so nothing was touched: ${found?.reachable === false ? found.reason : ''}`, {
    hint: 'Bring it back, or give --skip-unreachable: such a host keeps its part of the cluster and must not come back into this network as it is.',
  });
}

function notConfirmed(cluster: string): KubekeepError {
  return new KubekeepError('needs-confirmation', `nothing was touched: the name of the cluster was not given as ${cluster}`, { hint: `Type it when asked, or give --confirm ${cluster}.` });
}

/** For names of files: 2026-11-23T12-00-00Z. */
function timeOf(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}

/** The keys stay, since data that was kept may need them; the host keys that were trusted are still those of the same hosts. */
async function retireState({ path, knownHosts }: StateFolder, time: string): Promise<string> {
  const retired = `${path}.destroyed-${time}`;
  await rename(path, retired);
  const trusted = join(retired, 'known_hosts');
  if (await access(trusted).then(() => true, () => false)) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await copyFile(trusted, knownHosts);
  }
  return retired;
}
