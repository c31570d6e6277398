import type { CallOptions, Channel } from './_channel.ts';
import { boundYoung } from '../../lib/collect-young.ts';
import { Event_EventType, type Event } from './_kv.ts';
import { Watch } from './_rpc.ts';
import { EtcdError } from './etcd-error.ts';

/** One key as a revision left it. */
export interface EtcdChange {
  readonly revision: number;
  readonly key: Uint8Array;
  /** None where it was deleted. */
  readonly value: Uint8Array | undefined;
  /** Revision that created the key, and how often it was written since; 0 where it was deleted. */
  readonly createRevision: number;
  readonly version: number;
  /** 0: none. */
  readonly lease: bigint;
}

/** What one answer brings: changes in etcd's order, all of a revision together, or the word that there was nothing more up to a revision. */
export interface EtcdChanges {
  readonly changes: readonly EtcdChange[];
  /** Changes of the revision after which the watch began, where etcd sends them once more. */
  readonly again: readonly EtcdChange[];
  readonly upTo: number | undefined;
}

export interface WatchOptions extends CallOptions {
  /** ms between two questions how far the member is: there is an answer as often, also when nothing changes. Default 500. */
  readonly every?: number | undefined;
}

const everyKey = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) };

/**
 * All changes of all keys after revision `after`, which must be 1 at least. Rejects with an EtcdError: `compacted` where they are not all there any more, `no-leader` where the member
 * lost its leader. (The watch begins at `after` itself: one that begins in the future is never told how far the member is, and what is compacted exactly at a revision may lack in it.)
 */
export async function* watchFrom(channel: Channel, serverName: string, after: number, { every = 500, ...options }: WatchOptions = {}): AsyncGenerator<EtcdChanges> {
  boundYoung();
  const { send, answers } = channel.duplex(Watch.method.watch, options);
  send({ requestUnion: { case: 'createRequest', value: { ...everyKey, startRevision: BigInt(after) } } });
  const timer = setInterval(() => send({ requestUnion: { case: 'progressRequest', value: {} } }), every);
  try {
    for await (const { created, canceled, cancelReason, compactRevision, events, header } of answers) {
      if (compactRevision !== 0n) throw new EtcdError('compacted', `etcd on ${serverName}: watch: everything up to revision ${compactRevision} was compacted, and ${after} is needed`);
      if (canceled) throw new EtcdError(cancelReason.includes('no leader') ? 'no-leader' : 'refused', `etcd on ${serverName}: watch: ${cancelReason || 'ended without a reason'}`);
      const all = events.map(toChange);
      yield { changes: all.filter(({ revision }) => revision > after), again: all.filter(({ revision }) => revision === after), upTo: created || events.length > 0 ? undefined : Number(header!.revision) };
    }
    throw new EtcdError('unreachable', `etcd on ${serverName}: watch: the stream ended`);
  } finally {
    clearInterval(timer);
  }
}

function toChange({ type, kv }: Event): EtcdChange {
  const { key, value, createRevision, modRevision, version, lease } = kv!;
  return { revision: Number(modRevision), key, value: type === Event_EventType.DELETE ? undefined : value, createRevision: Number(createRevision), version: Number(version), lease };
}
