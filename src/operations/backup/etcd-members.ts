import type { HashAnswer } from '../../backup/compare-members.ts';
import type { Base } from '../../backup/points.ts';
import type { BaseSource } from '../../backup/take-base.ts';
import type { Revisions } from '../../bolt/key-space.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { EtcdError } from '../../clients/etcd/etcd-error.ts';
import type { EtcdStatus } from '../../clients/etcd/etcd-status.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { BackupOperation } from './backup-operation.ts';
import { chooseMember, type Candidate } from './choose-member.ts';
import type { EtcdSource, KnownMember } from './etcd-source.ts';

export interface AnsweringMember extends Candidate {
  readonly spec: Pick<KnownMember, 'name'>;
  readonly client: EtcdClient;
  readonly status: EtcdStatus;
}

export interface EtcdMembers extends Disposable {
  /** From which to take what there is. */
  readonly chosen: AnsweringMember;
  /** Which to watch: the first that is in touch with a quorum and has not diverged, as the source has them. On a host that is its own, so that a host that dies ends one watch and not that of all who follow. */
  readonly nearest: AnsweringMember;
  /** Of all members, also those that do not answer. */
  readonly names: readonly string[];
  /** By name. */
  readonly clients: ReadonlyMap<string, EtcdClient>;
}

/** ms without a piece of the snapshot, and for a member to hash all that it has. */
const patience = 60_000;
/** How often, and how many ms apart, a member is asked that has not come, or compacted, as far as the snapshot. */
const askedAgain = { times: 5, after: 500 };

type Asking = Pick<BackupOperation, 'signal' | 'progress'> & { readonly source: Pick<EtcdSource, 'members'> };

/** Asks all members how they are. `bases`: those that there are, which say from whom to take the next. Throws `etcd-failed` where none answers. */
export async function askMembers({ source, signal, progress }: Asking, bases: readonly Pick<Base, 'member' | 'diverged'>[] = []): Promise<EtcdMembers> {
  const known = await source.members();
  const clients = new Map<string, EtcdClient>();
  const close = () => {
    for (const client of clients.values()) client.close();
  };
  try {
    const asked = await Promise.all(known.map(async (spec): Promise<AnsweringMember | undefined> => {
      try {
        const client = await spec.connect();
        clients.set(spec.name, client);
        // In this order: what the member says after the read is not older than what was acknowledged before it.
        const reads = await client.canRead({ signal });
        return { spec, client, reads, ...historyOf(spec.name, bases), status: await client.status({ signal }) };
      } catch (error) {
        signal.throwIfAborted();
        progress({ type: 'note', title: `etcd on ${spec.name} does not answer`, host: spec.name, detail: (error as Error).message });
        return undefined;
      }
    }));
    const answering = asked.filter((one) => one !== undefined);
    const chosen = chooseMember(answering);
    if (!chosen) throw new KubekeepError('etcd-failed', 'no etcd member answers, so nothing can be backed up', { hint: 'kubekeep status shows what is wrong.' });
    return { chosen, nearest: answering.find(({ reads, diverged, status }) => reads && !diverged && !status.isLearner) ?? chosen, names: known.map(({ name }) => name), clients, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** What bases say of a member. */
function historyOf(name: string, bases: readonly Pick<Base, 'member' | 'diverged'>[]): Pick<Candidate, 'stored' | 'diverged'> {
  return { stored: bases.findLast(({ diverged }) => !diverged)?.member === name, diverged: bases.findLast(({ member }) => member === name)?.diverged ?? false };
}

/** etcd's cluster id, and how many restores there were before. */
export function timelineOf({ status }: Pick<AnsweringMember, 'status'>): string {
  return `${status.clusterId}:0`;
}

/** A base from the chosen member, compared with all. */
export function baseSource({ chosen, names, clients }: EtcdMembers, { clock, signal, progress }: BackupOperation): BaseSource {
  const { spec, client, status, reads } = chosen;
  return {
    timeline: timelineOf(chosen),
    etcd: status.version,
    member: spec.name,
    quorum: reads,
    async *snapshot() {
      let bytes = 0;
      for await (const piece of client.snapshot({ signal, deadline: patience })) {
        bytes += piece.length;
        progress({ type: 'bytes', title: 'base: snapshot', host: spec.name, bytes, total: status.dbSize });
        yield piece;
      }
    },
    async hashes({ current, compacted }: Revisions) {
      const answerOf = async (other: EtcdClient | undefined): Promise<HashAnswer> => {
        for (let time = 1; ; time++) {
          const answer = await hashOf(other, current, signal);
          const behind = answer === 'behind' || (typeof answer === 'object' && answer.compactRevision < compacted);
          if (!behind || time === askedAgain.times) return answer;
          await clock.sleep(askedAgain.after, signal);
        }
      };
      return Promise.all(names.map(async (member) => ({ member, answer: await answerOf(clients.get(member)) })));
    },
  };
}

/** A member's HashKV at a revision, or why there is none. */
export async function hashOf(client: EtcdClient | undefined, revision: number, signal: AbortSignal): Promise<HashAnswer> {
  if (!client) return 'not reached';
  try {
    const { hash, compactRevision } = await client.hashKv(revision, { signal, deadline: patience });
    return { hash, compactRevision };
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    if (error.reason === 'future') return 'behind';
    return error.reason === 'compacted' ? 'compacted' : 'not reached';
  }
}
