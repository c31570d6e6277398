import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { receiveSnapshot } from '../../backup/spool.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { programPath, stateFolder } from '../../render/paths.ts';
import { etcdOf } from '../clients.ts';
import { reachable } from '../facts.ts';
import { runOn } from '../phases/note-on.ts';
import { attemptOf, restoreIdOf } from './restore-record.ts';
import { endServingScript, makeDataScript, placeDataScript, scratchPort, serveKeptScript } from './host-scripts.ts';
import { readSnapshotFile, type SnapshotFile } from './snapshot-file.ts';
import type { Restoring } from './restoring.ts';

const longest = 3_600_000;

/** Puts one and the same snapshot on a host, and makes its member's data of it; etcd goes on. */
export async function makeData(work: Restoring & { readonly source: SnapshotFile }, { name, address }: HostSpec): Promise<void> {
  const { cluster, hosts, record, source, token, signal, progress } = work;
  const host = hosts.get(name)!;
  const snapshot = `${stateFolder}/restore-${record.id}.db`;
  const report = (bytes: number) => progress({ type: 'bytes', host: name, title: 'copying the snapshot', bytes, total: source.bytes });
  // etcdutl compares the SHA-256 that stands behind it.
  await host.upload({ source: source.path, target: snapshot, mode: 0o600, sha256: undefined }, { signal, onBytes: report });
  const initialCluster = hostsWith(cluster, 'etcd').map((one) => `${one.name}=${peerUrl(one)}`).join(',');
  const script = makeDataScript({ token, id: record.id, attempt: attemptOf(record), etcdutl: programPath('etcdutl', cluster.etcd.version), snapshot, name, peerUrl: peerUrl({ address }), initialCluster, bump: record.floor - source.revision });
  // Never left half-way: Ctrl-C waits for it.
  await runOn(work, name, script, { what: 'restoring the data of etcd', timeout: longest });
}

/** Puts the data that was made where etcd looks, once that has stopped. */
export async function placeData(work: Restoring, { name }: HostSpec): Promise<void> {
  const { record, token, progress } = work;
  const { stdout } = await runOn(work, name, placeDataScript({ token, id: record.id, attempt: attemptOf(record), undoes: record.undoes }), { what: 'putting the restored data in its place' });
  const kept = /^kept (.*)$/m.exec(stdout)?.[1];
  if (kept !== undefined) progress({ type: 'note', host: name, title: `the data before is kept in ${kept}` });
}

/** A snapshot of the data that was kept before the restore that is undone: of the host whose data came farthest. */
export async function readKept(work: Restoring): Promise<SnapshotFile> {
  const { cluster, hosts, record, token, clock, signal, progress, folder, prepared: { opened: { secrets } } } = work;
  const spec = farthest(work);
  progress({ type: 'note', host: spec.name, title: 'reading the data that was kept', step: 'restore/kept' });
  const path = join(folder, 'kept.db');
  try {
    await runOn(work, spec.name, serveKeptScript(token, { id: record.id, undoes: record.undoes!, etcd: programPath('etcd', cluster.etcd.version), name: spec.name }), { what: 'reading the data that was kept', timeout: longest });
    const client = await etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now(), undefined, scratchPort);
    const file = await open(path, 'wx+', 0o600);
    try {
      await receiveSnapshot(file, { path, member: spec.name, stream: client.snapshot({ signal, deadline: 60_000 }), now: () => clock.now() });
    } finally {
      client.close();
      await file.close();
    }
  } finally {
    expectSuccess(await hosts.get(spec.name)!.run(endServingScript(token, record.id), { timeout: 120_000 }), 'tidying up');
  }
  return readSnapshotFile(path, signal);
}

function farthest({ cluster, answering, disks, record, prepared }: Restoring): HostSpec {
  const candidates = hostsWith(cluster, 'etcd').filter((spec) => answering.includes(spec)).flatMap((spec) => {
    const found = prepared.facts.hosts.get(spec.name);
    const replaced = !reachable(found) || (found.restored !== undefined && [record.id, record.undoes].includes(restoreIdOf(found.restored)));
    const { kept, now } = disks.get(spec.name) ?? {};
    const revision = kept ?? (replaced ? undefined : now);
    return revision === undefined ? [] : [{ spec, revision }];
  });
  const best = candidates.toSorted((one, other) => other.revision - one.revision)[0];
  if (!best) throw new KubekeepError('unsupported-change', 'no host has data that was kept before this restore', { hint: 'kubekeep backup list shows what the repository has: kubekeep restore cluster --at POINT.' });
  return best.spec;
}

function peerUrl({ address }: Pick<HostSpec, 'address'>): string {
  return `https://${address}:2380`;
}
