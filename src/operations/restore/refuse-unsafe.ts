import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import type { Operation } from '../operation.ts';
import type { Living } from './look-at-living.ts';
import type { Source } from './write-source.ts';

export interface Looked {
  readonly facts: ClusterFacts;
  readonly living: Living;
  readonly wish: { readonly rollBack: boolean; readonly skipUnreachable: boolean };
  readonly undoes: string | undefined;
  readonly untouched: boolean;
  /** Nothing is made or replaced any more. */
  readonly opened: boolean;
  /** None for a roll-back. */
  readonly source: Pick<Source, 'point' | 'file'> | undefined;
}

/** Bytes on a host for each of the snapshot: a copy, and the data that is made of it. */
const room = 2.2;

/** Everything that would go wrong in the middle is refused before anything is touched. */
export function refuseUnsafe({ cluster }: Operation, { facts, living, wish, undoes, untouched, opened, source }: Looked): void {
  const silent = [...facts.hosts].flatMap(([name, found]) => (reachable(found) ? [] : [{ name, reason: found.reason }]));
  if (silent[0] && !wish.skipUnreachable) {
    throw new KubekeepError('host-unreachable', `${silent.map(({ name }) => name).join(', ')} cannot be reached, so nothing was touched: ${silent[0].reason}`, { hint: 'Bring it back, put another host in its place in the cluster file, or give --skip-unreachable to go on with a majority.' });
  }
  const members = hostsWith(cluster, 'etcd');
  const here = members.filter(({ name }) => reachable(facts.hosts.get(name)));
  if (here.length <= members.length / 2) throw new KubekeepError('quorum-risk', `only ${here.length} of ${members.length} etcd hosts answer: the restored members would have no quorum`, { hint: 'Bring more of them back, or name others in the cluster file.' });
  if (!hostsWith(cluster, 'control-plane').some(({ name }) => reachable(facts.hosts.get(name)))) throw new KubekeepError('host-unreachable', 'no control-plane host answers', { hint: 'Bring one back, or name another in the cluster file.' });
  if (living.strangers.length > 0) {
    throw new KubekeepError('unsupported-change', `${living.strangers.join(', ')} ${living.strangers.length === 1 ? 'is a member' : 'are members'} of the etcd that runs here and not in the cluster file: the old cluster would go on beside the restored one`, { hint: 'Take the old cluster off its hosts first: kubekeep destroy with its own cluster file keeps the data of etcd aside.' });
  }
  if (wish.rollBack && !opened && (undoes === undefined || (!untouched && [...living.disks.values()].every(({ kept }) => kept === undefined)))) {
    throw new KubekeepError('unsupported-change', undoes === undefined ? 'there is no restore to be rolled back' : 'no host has data that was kept before the restore', { hint: 'kubekeep backup list shows what the repository has: kubekeep restore cluster --at POINT.' });
  }
  if (opened || untouched) return;
  if (source) refuseUnfitting(source, cluster);
  refuseFull(source?.file.bytes ?? Math.max(...[...living.disks.values()].map(({ bytes }) => bytes)), living);
}

/** A snapshot that the hosts' etcd could not serve. */
function refuseUnfitting({ point: { base }, file: { bytes } }: Pick<Source, 'point' | 'file'>, { etcd }: Cluster): void {
  if (minorOf(base.etcd) > minorOf(etcd.version)) throw new KubekeepError('unsupported-change', `the point is of etcd ${base.etcd}, and etcd ${etcd.version} cannot read its data`, { hint: 'Set spec.etcd.version in the cluster file to that version.' });
  if (bytes > etcd.quotaBackendBytes) throw new KubekeepError('unsupported-change', `the snapshot has ${bytes} bytes, more than etcd's quota: the restored etcd would refuse every write`, { hint: 'Raise spec.etcd.quotaBackendBytes in the cluster file.' });
}

/** What an attempt before has made does not count: it goes first. */
function refuseFull(bytes: number, { disks }: Living): void {
  const full = [...disks].map(([name, { free, replaced }]) => ({ name, usable: free + replaced })).find(({ usable }) => usable < bytes * room);
  if (full) throw new KubekeepError('host-unfit', `${full.name}: ${Math.floor(full.usable / 1e6)} MB are free where etcd's data lies, and ${Math.ceil((bytes * room) / 1e6)} MB are needed, since the old data is kept`, { hint: 'Make room, then run the command again.' });
}

/** 3.7.3 → 3007, so that a higher number is a newer format of the data. */
function minorOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1000 + minor;
}
