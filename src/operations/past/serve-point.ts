import { join } from 'node:path';
import type { Point } from '../../backup/points.ts';
import { throwAwayFolder } from '../../programs/throw-away-folder.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { etcdLog, refuseWithoutRoom } from '../backup/refuse-without-room.ts';
import { writePoint } from '../backup/write-point.ts';
import type { OpenObjects } from '../objects/open-objects.ts';
import { pastApi, type PastApi } from './past-api.ts';

/** Writes a point and serves it, in a folder that is gone afterwards however kubekeep ends. Throws `repository-damaged` too. */
export async function servePoint(operation: ReadOperation, { repository, keys, encryption }: OpenObjects, { point, name }: { readonly point: Point; readonly name: string }): Promise<PastApi> {
  const { state, progress, cluster } = operation;
  const step = 'at/serve';
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await throwAwayFolder(join(state.path, 'at-')));
  await refuseWithoutRoom(folder.path, 2 * point.base.length + etcdLog, 'to serve a point');
  progress({ type: 'started', title: `writing revision ${point.revision}`, step });
  const snapshot = join(folder.path, 'point.db');
  await writePoint(operation, repository, { point, path: snapshot, keys });
  progress({ type: 'note', title: `starting etcd and kube-apiserver ${cluster.kubernetes.version} on it`, step });
  const past = opened.use(await pastApi(operation, { snapshot, base: point.base, folder: join(folder.path, 'past'), encryption: await encryption(), name }));
  const all = opened.move();
  return { ...past, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
