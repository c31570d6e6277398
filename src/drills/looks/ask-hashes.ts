import { hostsWith } from '../../cluster/cluster.ts';
import type { EtcdClient, EtcdHash } from '../../clients/etcd/connect-etcd.ts';
import { toKubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { etcdOf } from '../../operations/clients.ts';
import type { Log } from '../history/log.ts';
import type { Hashed } from '../history/record.ts';
import type { Reach } from '../stage.ts';

const tries = 4;
/** ms between two tries: a member may be behind, or a compaction may come between two answers. */
const pause = 500;
/** ms for one hash. */
const deadline = 10_000;

/**
 * Asks every etcd member for the hash of its keys at one revision, the newest that all of them have, until all answered for one with the same compaction,
 * a few times at most. Each answer is a record, and each member that gave none.
 */
export async function askHashes({ operation: { cluster, hosts, clock }, secrets }: Reach, log: Log): Promise<void> {
  const members = await parallel(hostsWith(cluster, 'etcd'), async (spec) => ({ host: spec.name, client: await etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now()).catch(() => undefined) }));
  try {
    for (let turn = 0; turn < tries; turn++) {
      if (turn > 0) await clock.sleep(pause);
      const statuses = await parallel(members, ({ client }) => attempt(client, async (etcd) => (await etcd.status({ deadline })).revision));
      const revisions = statuses.flatMap((one) => (typeof one === 'number' ? [one] : []));
      const answers = await parallel(members, ({ client }) => attempt(client, (etcd) => etcd.hashKv(Math.min(...revisions), { deadline })));
      answers.forEach((answer, position) => log.add(recordOf(members[position]!.host, log.now(), answer)));
      const compactions = new Set(answers.map((answer) => (typeof answer === 'string' ? undefined : answer.compactRevision)));
      if (compactions.size === 1 && !compactions.has(undefined)) return;
    }
  } finally {
    for (const { client } of members) client?.close();
  }
}

/** What a member says, or why it says nothing. */
async function attempt<T>(client: EtcdClient | undefined, ask: (client: EtcdClient) => Promise<T>): Promise<T | string> {
  if (!client) return 'its host cannot be reached';
  try {
    return await ask(client);
  } catch (caught) {
    return toKubekeepError(caught).message;
  }
}

function recordOf(host: string, at: number, answer: EtcdHash | string): Hashed {
  return typeof answer === 'string' ? { kind: 'hash', host, at, error: answer } : { kind: 'hash', host, at, hash: answer.hash, revision: answer.revision, compactRevision: answer.compactRevision };
}
