import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { programPath } from '../../render/paths.ts';
import { builtMembers } from '../backup/built-etcd.ts';
import { askMembers, type EtcdMembers } from '../backup/etcd-members.ts';
import type { Operation } from '../operation.ts';
import type { SeenRevision } from './choose-floor.ts';
import { lookScript } from './host-scripts.ts';

/** What the hosts' etcd has now, whatever state it is in. */
export interface Living {
  /** Highest revisions, of members that answer and of data that lies there. */
  readonly seen: readonly SeenRevision[];
  /** Keys of now; or why they could not be read. */
  readonly keys: ReadonlyMap<string, number> | undefined;
  readonly unseen: string | undefined;
  /** Peer addresses of members that no host of the cluster file has. */
  readonly strangers: readonly string[];
  /** By host. */
  readonly disks: ReadonlyMap<string, Disk>;
}

export interface Disk {
  /** Bytes where etcd's data lies. */
  readonly free: number;
  /** Bytes of what an attempt before has made, which is removed before it is made anew. */
  readonly replaced: number;
  /** The restore that was begun was opened, or undone, here: its data is never replaced again. */
  readonly final: boolean;
  /** Revision of the data that was kept before the restore in question; none where there is none. */
  readonly kept: number | undefined;
  /** Revision of the data of an etcd that is stopped. */
  readonly now: number | undefined;
  /** Of the data that was kept, else of that of an etcd that is stopped. */
  readonly bytes: number;
}

export interface LookOptions {
  readonly secrets: ClusterSecrets;
  readonly answering: readonly HostSpec[];
  /** Whether the keys are wanted. */
  readonly keys: boolean;
  /** The restore that was begun and goes on. */
  readonly begun: string | undefined;
  readonly undoes: string | undefined;
}

/** Changes nothing. A member that does not answer is asked through its data. */
export async function lookAtLiving(operation: Operation, { secrets, answering, keys, begun, undoes }: LookOptions): Promise<Living> {
  const { cluster } = operation;
  const members = hostsWith(cluster, 'etcd').filter((spec) => answering.includes(spec));
  const disks = new Map(await parallel(members, async (spec) => [spec.name, await lookAtDisk(operation, spec, { begun, undoes })] as const));
  const stopped = [...disks].flatMap(([name, { now }]) => (now === undefined ? [] : [{ revision: now, where: `the data of etcd on ${name}` }]));
  try {
    using asked = await askMembers({ ...operation, source: { members: async () => builtMembers({ ...operation, cluster: { ...cluster, hosts: answering } }, secrets) } });
    const { revision } = asked.chosen.status;
    const seen = [...stopped, { revision, where: `etcd on ${asked.chosen.spec.name}` }];
    return { seen, disks, strangers: await strangersOf(operation, asked), ...(keys ? await keysOf(operation, asked) : { keys: undefined, unseen: 'it was not looked at' }) };
  } catch (error) {
    operation.signal.throwIfAborted();
    if (!(error instanceof KubekeepError && error.code === 'etcd-failed')) throw error;
    return { seen: stopped, disks, strangers: [], keys: undefined, unseen: 'no etcd member answers' };
  }
}

async function lookAtDisk({ cluster, hosts, signal }: Operation, { name }: HostSpec, about: Pick<LookOptions, 'begun' | 'undoes'>): Promise<Disk> {
  const { stdout } = await hosts.get(name)!.run(lookScript({ ...about, etcdutl: programPath('etcdutl', cluster.etcd.version) }), { timeout: 150_000, signal });
  const lines = new Map(stdout.trim().split('\n').map((line) => [line.split(' ')[0]!, line.split(' ').slice(1).map(Number)]));
  // Data that cannot be read is there all the same.
  const number = (word: string) => (lines.has(word) ? (lines.get(word)![0] ?? 0) : undefined);
  return { free: number('free') ?? 0, replaced: number('replaced') ?? 0, final: lines.has('final'), kept: number('kept'), now: number('now'), bytes: (lines.get('kept') ?? lines.get('now'))?.[1] ?? 0 };
}

async function strangersOf({ cluster, signal }: Operation, { chosen }: EtcdMembers): Promise<string[]> {
  const known = hostsWith(cluster, 'etcd').map(({ address }) => `https://${address}:2380`);
  const members = await chosen.client.members({ stale: true, signal });
  return members.flatMap(({ peerUrls }) => peerUrls).filter((url) => !known.includes(url));
}

/** That they cannot be read does not make what the member is at unknown. */
async function keysOf({ signal, progress }: Operation, { chosen: { client, spec } }: EtcdMembers): Promise<Pick<Living, 'keys' | 'unseen'>> {
  progress({ type: 'note', title: 'reading what etcd has now', host: spec.name, step: 'restore/look' });
  try {
    return { keys: await client.keys({ signal, deadline: 60_000 }), unseen: undefined };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof KubekeepError)) throw error;
    return { keys: undefined, unseen: error.message };
  }
}
