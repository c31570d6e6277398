import { join } from 'node:path';
import type { CaptureKeys } from '../../backup/captures.ts';
import type { Base, Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import { connectEtcd, type EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { platformOf, type Platform } from '../../programs/program.ts';
import { startScratchEtcd, type ScratchEtcd } from '../../programs/scratch-etcd.ts';
import type { ReadOperation } from './backup-operation.ts';
import { etcdLog, refuseWithoutRoom } from './refuse-without-room.ts';
import { writePoint } from './write-point.ts';

/** A real etcd that nobody else can reach, with what the repository has of a point and nothing after it. */
export interface ReplayedEtcd extends ScratchEtcd {
  readonly client: EtcdClient;
  /** The snapshot that it was restored from. */
  readonly snapshot: string;
}

export interface ReplayInput {
  readonly repository: Repository;
  readonly point: Point;
  readonly keys: CaptureKeys;
  /** For clear text, with room for twice etcd's file. */
  readonly folder: string;
}

/** ms for etcd to answer after it was started: it reads all that it has. */
const startLimit = 120_000;
/** ms for one that cut the connection to end. */
const endLimit = 1000;
/** Writes the point as a snapshot and starts an etcd from it, as one of a cluster is started after a restore. Throws `repository-damaged`, `data-damaged`. */
export async function replayInScratchEtcd(operation: ReadOperation, { repository, point, keys, folder }: ReplayInput): Promise<ReplayedEtcd> {
  await refuseWithoutRoom(folder, 2 * point.base.length + etcdLog, 'to replay a point');
  const snapshot = join(folder, 'point.db');
  await writePoint(operation, repository, { point, path: snapshot, keys });
  return etcdOfSnapshot(operation, { snapshot, base: point.base, folder });
}

export interface SnapshotOfPoint {
  readonly snapshot: string;
  /** That it was made from. */
  readonly base: Base;
  /** With room for as much again. */
  readonly folder: string;
}

/** Starts an etcd from a snapshot, which stays as it is. Throws `data-damaged`. */
export async function etcdOfSnapshot(operation: ReadOperation, { snapshot, base, folder }: SnapshotOfPoint): Promise<ReplayedEtcd> {
  const { cluster, signal, fetchPrograms } = operation;
  const platform = platformOf(process.arch) as Platform;
  const [etcd, etcdutl] = await fetchPrograms((['etcd', 'etcdutl'] as const).map((name) => ({ name, version: cluster.etcd.version ?? base.etcd, platform })));
  const scratch = await startScratchEtcd({ etcd: etcd!, etcdutl: etcdutl!, snapshot, folder, signal });
  const client = connectEtcd({ socketPath: scratch.socketPath, serverName: 'scratch', tls: undefined, deadline: 60_000 });
  const replayed: ReplayedEtcd = {
    ...scratch,
    client,
    snapshot,
    async [Symbol.asyncDispose]() {
      client.close();
      await scratch[Symbol.asyncDispose]();
    },
  };
  try {
    await answers(replayed, operation);
    return replayed;
  } catch (error) {
    const why = await lastWords(replayed, error, operation);
    await replayed[Symbol.asyncDispose]();
    throw why;
  }
}

/** An etcd that ended cut the connection first, and says why. */
async function lastWords({ ended }: ReplayedEtcd, error: unknown, { clock }: ReadOperation): Promise<unknown> {
  if (!(error instanceof KubekeepError && error.code === 'etcd-failed')) return error;
  return Promise.race([ended.catch((last: unknown) => last), clock.sleep(endLimit).then(() => error)]);
}

async function answers({ client, ended }: ReplayedEtcd, { clock, signal }: ReadOperation): Promise<void> {
  const until = clock.monotonic() + startLimit;
  while (!(await Promise.race([client.canRead({ signal, deadline: 1000 }), ended]))) {
    if (clock.monotonic() > until) throw new KubekeepError('etcd-failed', `the etcd that reads what was restored does not answer after ${startLimit / 1000} s`);
    await clock.sleep(50, signal);
  }
}
