import { appendTimeline } from '../../backup/timelines.ts';
import type { Store } from '../../backup/store/store.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { hostsWith } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { timelineOf, type AnsweringMember } from '../backup/etcd-members.ts';
import { openToWrite, remember } from '../backup/open-backup.ts';
import { etcdCertificate, etcdOf } from '../clients.ts';
import type { Operation } from '../operation.ts';
import type { RestoreRecord } from './restore-record.ts';
import { holderKeys } from './state-changes.ts';
import type { Restoring } from './restoring.ts';

/** etcd's own limit is 128. */
const keysAtOnce = 100;
/** How often, and how many ms apart, members are compared that do not say the same yet. */
const compared = { times: 20, after: 300 };

/**
 * What has to hold before the first client comes: all members have the same data, at a revision that nobody has seen, without an alarm of then, and without the leases of API servers
 * and leaders that are not there any more. Throws `etcd-failed`.
 */
export async function checkMembers(work: Restoring): Promise<void> {
  const { cluster, hosts, clock, signal, record, answering, prepared: { opened: { secrets } } } = work;
  const certificate = etcdCertificate(secrets, clock.now());
  const specs = hostsWith(cluster, 'etcd').filter((spec) => answering.includes(spec));
  const clients = new Map(await Promise.all(specs.map(async (spec) => [spec.name, await etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now(), certificate)] as const)));
  try {
    const [client] = clients.values();
    for (const alarm of await client!.alarms({ signal })) {
      await client!.disarm(alarm, { signal });
      work.progress({ type: 'note', title: `etcd: alarm ${alarm.kind} of then disarmed` });
    }
    const cleared = holderKeys(work.source?.keys.keys() ?? []).map((key) => ({ key: Buffer.from(key), value: undefined, lease: 0n }));
    for (let from = 0; from < cleared.length; from += keysAtOnce) await client!.commit(cleared.slice(from, from + keysAtOnce), { signal });
    await refuseDifferent(clients, work);
    const status = await client!.status({ signal });
    if (status.revision < record.floor) throw new KubekeepError('etcd-failed', `the restored etcd is at revision ${status.revision}, and clients may have seen all below ${record.floor}: nothing was opened`, { hint: 'kubekeep restore cluster --roll-back goes back to the state before it.' });
    await noteTimeline(work, work.store, record, { status });
  } finally {
    for (const one of clients.values()) one.close();
  }
}

async function refuseDifferent(clients: ReadonlyMap<string, EtcdClient>, { clock, signal, progress }: Operation): Promise<void> {
  for (let time = 1; ; time++) {
    const revision = Math.min(...(await Promise.all([...clients.values()].map(async (client) => (await client.status({ signal })).revision))));
    const answers = await Promise.all([...clients].map(async ([name, client]) => ({ name, ...(await client.hashKv(revision, { signal, deadline: 60_000 })) })));
    if (answers.every(({ hash, compactRevision }) => hash === answers[0]!.hash && compactRevision === answers[0]!.compactRevision)) {
      progress({ type: 'note', title: `etcd: ${answers.length} ${answers.length === 1 ? 'member has' : 'members have the same'} hash ${answers[0]!.hash} at revision ${revision}` });
      return;
    }
    if (time === compared.times) {
      throw new KubekeepError('etcd-failed', `the restored members differ at revision ${revision}: ${answers.map(({ name, hash }) => `${name} has hash ${hash}`).join(', ')}; nothing was opened`, { hint: 'kubekeep restore cluster --roll-back goes back to the state before it.' });
    }
    await clock.sleep(compared.after, signal);
  }
}

/** etcd's cluster id is another one since the restore, so nobody mixes the histories; the entry says what lived when. */
async function noteTimeline(operation: Operation, store: Store, { point, floor }: RestoreRecord, member: Pick<AnsweringMember, 'status'>): Promise<void> {
  const { clock, progress, state } = operation;
  try {
    const { repository, keys } = await openToWrite(operation, store);
    const timeline = timelineOf(member);
    await appendTimeline(repository, keys.writer, { timeline, time: clock.now(), first: floor, from: point && { timeline: point.timeline, base: point.base, revision: point.revision } });
    await remember(state, repository);
    progress({ type: 'note', title: `backups: timeline ${timeline} begins at revision ${floor}` });
  } catch (error) {
    if (!(error instanceof KubekeepError)) throw error;
    progress({ type: 'note', title: 'the repository cannot be told that a timeline begins', detail: error.message });
  }
}
