import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaptureKeys } from '../../backup/captures.ts';
import { readLog } from '../../backup/change-log/read-log.ts';
import type { Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { receiveSnapshot, type Spool } from '../../backup/spool.ts';
import { writeSnapshot } from '../../backup/write-snapshot.ts';
import { openBolt } from '../../bolt/bolt-file.ts';
import { revisionsOf } from '../../bolt/key-space.ts';
import { connectEtcd, type EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { platformOf, type Platform } from '../../programs/program.ts';
import { startScratchEtcd, type ScratchEtcd } from '../../programs/scratch-etcd.ts';
import type { ReadOperation } from './backup-operation.ts';
import { replayLog } from './replay-log.ts';

/** A real etcd that nobody else can reach, with what the repository has of a point and nothing after it. */
export interface ReplayedEtcd extends ScratchEtcd {
  readonly client: EtcdClient;
}

export interface ReplayInput {
  readonly repository: Repository;
  readonly point: Point;
  readonly keys: CaptureKeys;
  /** For clear text, three times as large as etcd's file. */
  readonly folder: string;
}

/** ms for etcd to answer after it was started. */
const startLimit = 60_000;

/** Starts an etcd from the point's base and gives it the log up to the point. Throws `repository-damaged`, `data-damaged`. */
export async function replayInScratchEtcd(operation: ReadOperation, { repository, point: { base, revision }, keys, folder }: ReplayInput): Promise<ReplayedEtcd> {
  const { cluster, progress, signal, fetchPrograms } = operation;
  const platform = platformOf(process.arch) as Platform;
  const [etcd, etcdutl] = await fetchPrograms((['etcd', 'etcdutl'] as const).map((name) => ({ name, version: cluster.etcd.version ?? base.etcd, platform })));
  const snapshot = join(folder, 'base.db');
  await writeSnapshot(repository, base, snapshot, keys, signal);
  const scratch = await startScratchEtcd({ etcd: etcd!, etcdutl: etcdutl!, snapshot, folder, signal });
  const client = connectEtcd({ socketPath: scratch.socketPath, serverName: 'scratch', tls: undefined, deadline: 60_000 });
  const replayed: ReplayedEtcd = {
    ...scratch,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await scratch[Symbol.asyncDispose]();
    },
  };
  try {
    await answers(replayed, operation);
    if (revision === base.revision) return replayed;
    const log = readLog(repository, { timeline: base.timeline, first: base.revision + 1, last: revision }, keys);
    const onRevision = (done: number) => {
      if (done % 1000 === 0) progress({ type: 'note', title: `replayed revision ${done} of ${revision}`, step: 'restore/replay' });
    };
    await Promise.race([replayLog(client, log, { signal, onRevision }), scratch.ended]);
    return replayed;
  } catch (error) {
    await replayed[Symbol.asyncDispose]();
    throw error;
  }
}

/** Writes all that a replayed etcd has to a new file, as `etcdctl snapshot save` does. Throws `data-damaged` where it is not at the revision that is wanted. */
export async function saveReplayed({ client }: ReplayedEtcd, { path, revision }: { readonly path: string; readonly revision: number }, { clock, signal }: ReadOperation): Promise<Spool> {
  const file = await open(path, 'wx+', 0o600);
  try {
    const received = await receiveSnapshot(file, { path, member: 'this computer', stream: client.snapshot({ signal }), now: () => clock.now() });
    await file.sync();
    const reached = revisionsOf(openBolt(received)).current;
    if (reached !== revision) throw new KubekeepError('data-damaged', `after replaying the log etcd is at revision ${reached}, and not at ${revision}`);
    return { ...received, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function answers({ client, ended }: ReplayedEtcd, { clock, signal }: ReadOperation): Promise<void> {
  const until = clock.monotonic() + startLimit;
  while (!(await Promise.race([client.canRead({ signal, deadline: 1000 }), ended]))) {
    if (clock.monotonic() > until) throw new KubekeepError('etcd-failed', `the etcd that replays the log does not answer after ${startLimit / 1000} s`);
    await clock.sleep(50, signal);
  }
}
