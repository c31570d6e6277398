import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { captureKeys, type CaptureKeys } from '../../backup/captures.ts';
import { readLog } from '../../backup/change-log/read-log.ts';
import { resolvePoint, type Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { receiveSnapshot } from '../../backup/spool.ts';
import { writeSnapshot } from '../../backup/write-snapshot.ts';
import { openBolt } from '../../bolt/bolt-file.ts';
import { revisionsOf } from '../../bolt/key-space.ts';
import { connectEtcd, type EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { platformOf, type Platform } from '../../programs/program.ts';
import { startScratchEtcd, type ScratchEtcd } from '../../programs/scratch-etcd.ts';
import type { Operation } from '../operation.ts';
import { openToRead } from './open-backup.ts';
import { replayLog } from './replay-log.ts';

/** ms for etcd to answer after it was started. */
const startLimit = 60_000;

/**
 * Writes what etcd had at a point as a snapshot: a base is the very file that etcd sent; between two bases an etcd of its own, which nobody else can reach, is given the log from the base on and is
 * asked for a snapshot. Nothing stands at `path` until all of it is there.
 */
export async function restoreFile(operation: Operation, store: Store, { at, path }: { readonly at: string; readonly path: string }): Promise<Point> {
  await refuseUnwritable(path);
  const { repository, identity } = await openToRead(operation, store);
  const keys = captureKeys(repository, identity);
  const point = await resolvePoint(repository, at, keys);
  await writePoint(operation, repository, { point, path, keys });
  return point;
}

/** The same of a point that was found before. */
export async function writePoint(operation: Operation, repository: Repository, wanted: { readonly point: Point; readonly path: string; readonly keys: CaptureKeys }): Promise<void> {
  const { point, path, keys } = wanted;
  if (point.revision === point.base.revision) await writeSnapshot(repository, point.base, path, keys, operation.signal);
  else await replayed(operation, repository, wanted);
}

async function replayed(operation: Operation, repository: Repository, { point: { base, revision }, path, keys }: { readonly point: Point; readonly path: string; readonly keys: CaptureKeys }): Promise<void> {
  const { cluster, progress, signal, fetchPrograms } = operation;
  const platform = platformOf(process.arch) as Platform;
  const [etcd, etcdutl] = await fetchPrograms((['etcd', 'etcdutl'] as const).map((name) => ({ name, version: cluster.etcd.version, platform })));
  // In clear text, and therefore beside what is asked for and nowhere else.
  const folder = await mkdtemp(join(dirname(path), '.kubekeep-restore-'));
  try {
    const snapshot = join(folder, 'base.db');
    await writeSnapshot(repository, base, snapshot, keys, signal);
    await using scratch = await startScratchEtcd({ etcd: etcd!, etcdutl: etcdutl!, snapshot, folder, signal });
    const client = connectEtcd({ socketPath: scratch.socketPath, serverName: 'scratch', tls: undefined, deadline: 60_000 });
    try {
      await answers(client, scratch, operation);
      const log = readLog(repository, { timeline: base.timeline, first: base.revision + 1, last: revision }, keys);
      const onRevision = (done: number) => {
        if (done % 1000 === 0) progress({ type: 'note', title: `replayed revision ${done} of ${revision}`, step: 'restore/replay' });
      };
      await Promise.race([replayLog(client, log, { signal, onRevision }), scratch.ended]);
      const whole = join(folder, 'whole.db');
      const reached = await saved(client, whole, operation);
      if (reached !== revision) throw new KubekeepError('data-damaged', `after replaying the log etcd is at revision ${reached}, and not at ${revision}`);
      await rename(whole, path);
    } finally {
      client.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function answers(client: EtcdClient, scratch: ScratchEtcd, { clock, signal }: Operation): Promise<void> {
  const until = clock.monotonic() + startLimit;
  while (!(await Promise.race([client.canRead({ signal, deadline: 1000 }), scratch.ended]))) {
    if (clock.monotonic() > until) throw new KubekeepError('etcd-failed', `the etcd that replays the log does not answer after ${startLimit / 1000} s`);
    await clock.sleep(50, signal);
  }
}

/** The revision that the file has. */
async function saved(client: EtcdClient, path: string, { clock, signal }: Operation): Promise<number> {
  const file = await open(path, 'wx+', 0o600);
  try {
    const received = await receiveSnapshot(file, { path, member: 'this computer', stream: client.snapshot({ signal }), now: () => clock.now() });
    await file.sync();
    return revisionsOf(openBolt(received)).current;
  } finally {
    await file.close();
  }
}

async function refuseUnwritable(path: string): Promise<void> {
  const [target, folder] = await Promise.all([path, dirname(path)].map((one) => stat(one).catch(() => undefined)));
  if (folder?.isDirectory() && !target?.isDirectory()) return;
  throw new KubekeepError('file-missing', target ? `${path} is a folder` : `there is no folder ${dirname(path)}`, { hint: 'Name a file in a folder that is there.' });
}
