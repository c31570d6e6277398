import { openChannel } from './_channel.ts';
import { collectYoung } from '../../lib/collect-young.ts';
import type { CallOptions, Channel } from './_channel.ts';
import { AlarmRequest_AlarmAction, AlarmType, Cluster, KV, Lease, Maintenance } from './_rpc.ts';
import type { Member } from './_rpc.ts';
import { nameOf, type EtcdConnection } from './etcd-connection.ts';
import { EtcdError } from './etcd-error.ts';
import { toEtcdStatus } from './etcd-status.ts';
import type { EtcdStatus } from './etcd-status.ts';
import { formatMemberId, parseMemberId } from './member-id.ts';
import type { MemberId } from './member-id.ts';
import { watchFrom, type EtcdChange, type EtcdChanges, type WatchOptions } from './watch.ts';

/** One member of etcd. Every verb rejects with an EtcdError (code `etcd-failed`), or an AbortError when the signal fires. */
export interface EtcdClient {
  /** What this member itself knows; answers without a quorum. */
  status(options?: CallOptions): Promise<EtcdStatus>;
  /** The members by the cluster's word; with `stale` by this member's own, which needs no quorum. */
  members(options?: CallOptions & { readonly stale?: boolean }): Promise<readonly EtcdMember[]>;
  /**
   * Adds a member without a vote, to be started with `initial-cluster-state: existing`. At most one at a time (`learner-exists`). Refused
   * (`quorum-at-risk`) until every member that is up has been connected for 5 s: try again.
   */
  addLearner(peerUrl: string, options?: CallOptions): Promise<EtcdMember>;
  /** Gives a learner its vote; `learner-not-ready` until it has caught up. */
  promote(id: MemberId, options?: CallOptions): Promise<void>;
  remove(id: MemberId, options?: CallOptions): Promise<void>;
  /** Only the leader does it (`not-leader`). */
  moveLeader(to: MemberId, options?: CallOptions): Promise<void>;
  /** Alarms of all members. */
  alarms(options?: CallOptions): Promise<readonly EtcdAlarm[]>;
  disarm(alarm: EtcdAlarm, options?: CallOptions): Promise<void>;
  /** Hash of the keys up to `revision` (0: the newest). Members agree only where `compactRevision` is the same. */
  hashKv(revision: number, options?: CallOptions): Promise<EtcdHash>;
  /** Gives unused space of the file back; the member serves nothing meanwhile, so allow minutes. */
  defragment(options?: CallOptions): Promise<void>;
  /** All keys as of one revision, taken as UTF-8, each with the revision that wrote it last. What this member itself knows, without a quorum. Values are not sent. */
  keys(options?: CallOptions): Promise<ReadonlyMap<string, number>>;
  /**
   * The member's backend file as it is now, piece by piece, and behind it the 32 bytes of its SHA-256, as `etcdctl snapshot save` writes it. The deadline
   * is for the time without a piece.
   */
  snapshot(options?: CallOptions): AsyncGenerator<Uint8Array>;
  /** Whether a linearizable read succeeds: this member is connected and there is a quorum and a leader. */
  canRead(options?: CallOptions): Promise<boolean>;
  /** All changes of all keys after a revision (at least 1), without end: see `watchFrom`. */
  watch(after: number, options?: WatchOptions): AsyncGenerator<EtcdChanges>;
  /** Seconds that a lease was granted for; undefined where it is gone. */
  leaseTtl(id: bigint, options?: CallOptions): Promise<number | undefined>;
  /** Does nothing where there is a lease of that id. */
  grantLease(id: bigint, seconds: number, options?: CallOptions): Promise<void>;
  /** Writes and deletes keys in one transaction, in their order; the revision that it has. */
  commit(changes: readonly Pick<EtcdChange, 'key' | 'value' | 'lease'>[], options?: CallOptions): Promise<number>;
  close(): void;
}

export interface EtcdMember {
  readonly id: MemberId;
  /** Empty until the member has been started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface EtcdAlarm {
  readonly member: MemberId;
  readonly kind: 'no-space' | 'corrupt';
}

export interface EtcdHash {
  readonly hash: number;
  /** Revision that was hashed, and the one compacted to at that time. */
  readonly revision: number;
  readonly compactRevision: number;
}

/** Bytes of a snapshot. */
const collectedEvery = 8 << 20;
/** Of one answer: etcd has the values of all of them in memory at once, though it does not send them. */
const keysAtOnce = 20_000n;

/** A client of one member. Connects with the first call. */
export function connectEtcd(connection: EtcdConnection): EtcdClient {
  const channel = openChannel(connection);
  return { ...reads(channel), ...changes(channel), watch: (after, options) => watchFrom(channel, nameOf(connection), after, options), close: () => channel.close() };
}

function reads(channel: Channel): Pick<EtcdClient, 'status' | 'members' | 'alarms' | 'hashKv' | 'keys' | 'snapshot' | 'canRead' | 'leaseTtl'> {
  return {
    status: async (options) => toEtcdStatus(await channel.call(Maintenance.method.status, {}, options)),
    members: async ({ stale = false, ...options } = {}) => {
      const { members } = await channel.call(Cluster.method.memberList, { linearizable: !stale }, options);
      return members.map(toMember);
    },
    alarms: async (options) => {
      const { alarms } = await channel.call(Maintenance.method.alarm, { action: AlarmRequest_AlarmAction.GET }, options);
      return alarms.map(({ memberID, alarm }) => ({ member: formatMemberId(memberID), kind: alarm === AlarmType.NOSPACE ? 'no-space' : 'corrupt' }));
    },
    hashKv: async (revision, options) => {
      const answer = await channel.call(Maintenance.method.hashKV, { revision: BigInt(revision) }, options);
      return { hash: answer.hash, revision: Number(answer.hashRevision), compactRevision: Number(answer.compactRevision) };
    },
    keys: (options) => keysOf(channel, options),
    async *snapshot(options) {
      let received = 0;
      for await (const { blob } of channel.stream(Maintenance.method.snapshot, {}, options)) {
        yield blob;
        received += blob.length;
        if (received < collectedEvery) continue;
        collectYoung();
        received = 0;
      }
    },
    canRead: async (options) => {
      try {
        await channel.call(KV.method.range, { key: new TextEncoder().encode('health'), limit: 1n, keysOnly: true }, options);
        return true;
      } catch (error) {
        if (error instanceof EtcdError) return false;
        throw error;
      }
    },
    leaseTtl: async (id, options) => {
      const { grantedTTL } = await channel.call(Lease.method.leaseTimeToLive, { ID: id }, options);
      return grantedTTL > 0n ? Number(grantedTTL) : undefined;
    },
  };
}

async function keysOf(channel: Channel, options: CallOptions | undefined): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const text = new TextDecoder();
  for (let key = new Uint8Array(1), revision = 0n; ; ) {
    const { header, kvs, more } = await channel.call(KV.method.range, { key, rangeEnd: new Uint8Array(1), limit: keysAtOnce, revision, keysOnly: true, serializable: true }, options);
    for (const one of kvs) found.set(text.decode(one.key), Number(one.modRevision));
    if (!more) return found;
    revision ||= header!.revision;
    key = Uint8Array.of(...kvs.at(-1)!.key, 0);
  }
}

function changes(channel: Channel): Pick<EtcdClient, 'addLearner' | 'promote' | 'remove' | 'moveLeader' | 'disarm' | 'defragment' | 'grantLease' | 'commit'> {
  return {
    addLearner: async (peerUrl, options) => {
      const { member } = await channel.call(Cluster.method.memberAdd, { peerURLs: [peerUrl], isLearner: true }, options);
      return toMember(member!);
    },
    promote: async (id, options) => {
      await channel.call(Cluster.method.memberPromote, { ID: parseMemberId(id) }, options);
    },
    remove: async (id, options) => {
      await channel.call(Cluster.method.memberRemove, { ID: parseMemberId(id) }, options);
    },
    moveLeader: async (to, options) => {
      await channel.call(Maintenance.method.moveLeader, { targetID: parseMemberId(to) }, options);
    },
    disarm: async ({ member, kind }, options) => {
      const alarm = kind === 'no-space' ? AlarmType.NOSPACE : AlarmType.CORRUPT;
      await channel.call(Maintenance.method.alarm, { action: AlarmRequest_AlarmAction.DEACTIVATE, memberID: parseMemberId(member), alarm }, options);
    },
    defragment: async (options) => {
      await channel.call(Maintenance.method.defragment, {}, options);
    },
    grantLease: async (id, seconds, options) => {
      await channel.call(Lease.method.leaseGrant, { ID: id, TTL: BigInt(seconds) }, options).catch((error: unknown) => {
        if (!(error instanceof EtcdError && error.reason === 'lease-exists')) throw error;
      });
    },
    commit: async (all, options) => {
      const success = all.map(({ key, value, lease }) => ({ request: value ? { case: 'requestPut' as const, value: { key, value, lease } } : { case: 'requestDeleteRange' as const, value: { key } } }));
      const { header } = await channel.call(KV.method.txn, { success }, options);
      return Number(header!.revision);
    },
  };
}

function toMember({ ID, name, peerURLs, clientURLs, isLearner }: Member): EtcdMember {
  return { id: formatMemberId(ID), name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner };
}
