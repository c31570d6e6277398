import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Base } from '../../backup/points.ts';
import type { Store } from '../../backup/store/store.ts';
import { takeBase, type BaseSource } from '../../backup/take-base.ts';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import type { EtcdStatus } from '../../clients/etcd/etcd-status.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { isRunning } from '../../hosts/is-running.ts';
import type { Progress } from '../../lib/progress.ts';
import { etcdCertificate, etcdOf } from '../clients.ts';
import { existingSecrets } from '../existing-secrets.ts';
import type { Operation } from '../operation.ts';
import { openToWrite, remember } from './open-backup.ts';

interface Answering {
  readonly spec: HostSpec;
  readonly client: EtcdClient;
  readonly status: EtcdStatus;
}

/** ms without a piece of the snapshot, and for a member to hash all that it has. */
const patience = 60_000;

/** Takes a base from a follower where there is one, so that the leader has less to do. Throws `etcd-failed` where no member answers. */
export async function runBackup(operation: Operation, store: Store): Promise<Base> {
  const { cluster, state, clock, progress } = operation;
  const { repository, keys } = await openToWrite(operation, store);
  const { secrets } = await existingSecrets(operation);
  const certificate = etcdCertificate(secrets, clock.now());
  const specs = hostsWith(cluster, 'etcd');
  const clients = new Map<string, EtcdClient>();
  try {
    const asked = await Promise.all(specs.map(async (spec): Promise<Answering | undefined> => {
      try {
        const client = await etcdOf(spec, operation.hosts.get(spec.name)!, secrets, clock.now(), certificate);
        clients.set(spec.name, client);
        return { spec, client, status: await client.status({ signal: operation.signal }) };
      } catch (error) {
        progress({ type: 'note', title: `etcd on ${spec.name} does not answer`, host: spec.name, detail: (error as Error).message });
        return undefined;
      }
    }));
    const answering = asked.filter((one) => one !== undefined);
    const chosen = answering.find(({ status }) => !status.isLearner && status.leader !== status.member) ?? answering[0];
    if (!chosen) throw new KubekeepError('etcd-failed', 'no etcd member answers, so nothing can be backed up', { hint: 'kubekeep status shows what is wrong.' });
    progress({ type: 'started', title: `base: snapshot of etcd on ${chosen.spec.name}`, host: chosen.spec.name, step: 'backup/base' });
    const source = sourceOf(chosen, { specs, clients, signal: operation.signal, progress });
    await removeLeftSpools(state.path);
    const base = await takeBase(repository, source, { writer: keys.writer, spool: join(state.path, `spool-${process.pid}`), now: clock.now() });
    progress({ type: 'done', title: `base ${base.number}: revision ${base.revision}`, step: 'backup/base' });
    await remember(state, repository);
    return base;
  } finally {
    for (const client of clients.values()) client.close();
  }
}

interface Around {
  readonly specs: readonly HostSpec[];
  readonly clients: ReadonlyMap<string, EtcdClient>;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

function sourceOf({ spec, client, status }: Answering, { specs, clients, signal, progress }: Around): BaseSource {
  return {
    timeline: `${status.clusterId}:0`,
    etcd: status.version,
    member: spec.name,
    async *snapshot() {
      let bytes = 0;
      for await (const piece of client.snapshot({ signal, deadline: patience })) {
        bytes += piece.length;
        progress({ type: 'bytes', title: 'base: snapshot', host: spec.name, bytes, total: status.dbSize });
        yield piece;
      }
    },
    hashes: (revision) =>
      Promise.all(specs.map(async ({ name }) => ({ member: name, answer: await clients.get(name)?.hashKv(revision, { signal, deadline: patience }).catch(() => undefined) }))),
  };
}

/** A backup that was killed leaves its spool: all of etcd's data. */
async function removeLeftSpools(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, pid] = /^spool-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}
