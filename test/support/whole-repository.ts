import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { captureKeys, newCapture } from '../../src/backup/captures.ts';
import { appendHole } from '../../src/backup/change-log/append-log.ts';
import { logEnd, segmentOf } from '../../src/backup/change-log/coverage.ts';
import type { LogRecord } from '../../src/backup/change-log/log-record.ts';
import { LogMerger } from '../../src/backup/change-log/merge-log.ts';
import { readLog, readSegment } from '../../src/backup/change-log/read-log.ts';
import { basesOf } from '../../src/backup/points.ts';
import { writeSnapshot } from '../../src/backup/write-snapshot.ts';
import { openToRead, openToWrite } from '../../src/operations/backup/open-backup.ts';
import { verifyPoint } from '../../src/operations/backup/verify-point.ts';
import { keptCluster, type KeptCluster } from './kept-cluster.ts';

/** A cluster whose repository has something of every kind: bases, pieces of the log and merged ones, a hole, a catalog, a verdict. */
export interface WholeRepository extends AsyncDisposable {
  readonly kept: KeptCluster;
  /** Bases by number as `restore file` writes them, and records by revision. */
  readonly files: ReadonlyMap<number, Buffer>;
  readonly log: ReadonlyMap<number, LogRecord>;
  /** `latest`, `revision:`, `base:` and a time. */
  readonly points: readonly string[];
}

export async function wholeRepository(): Promise<WholeRepository> {
  const kept = await keptCluster();
  const write = async (count: number, prefix: string) => {
    for (let number = 0; number < count; number++) await kept.api.post('/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${prefix}${number}` }, data: { prefix } });
  };
  const followAll = async () => {
    const { revision } = await kept.etcd.status();
    await kept.follow(() => revision);
  };
  const { timeline, revision } = await kept.takeBase();
  for (const half of ['a', 'c']) {
    await write(5, half);
    await followAll();
  }
  const { repository, keys } = await openToWrite(kept.operation, kept.store);
  await merge(kept, { timeline, after: revision });
  await write(5, 'lost');
  const base = await kept.takeBase();
  await repository.chain.refresh();
  const end = logEnd(repository.chain.entries, timeline)!;
  assert.ok(await appendHole(repository, { writer: keys.writer, timeline }, { after: end, last: base.revision, why: 'a test' }));
  await write(10, 'b');
  await followAll();
  await verifyPoint(kept.operation, kept.store, 'latest');
  const { files, log } = await truth(kept);
  const points = ['latest', `revision:${end}`, `base:${base.number}`, new Date(log.get(end - 2)!.received).toISOString()];
  return { kept, files, log, points, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
}

/** What a capturer does every five minutes. */
async function merge({ operation, store }: KeptCluster, { timeline, after }: { readonly timeline: string; readonly after: number }): Promise<void> {
  const { repository, keys, identity } = await openToWrite(operation, store);
  const merger = new LogMerger(repository, { writer: keys.writer, timeline });
  const options = { member: 'm1', key: await newCapture(repository) };
  const last = logEnd(repository.chain.entries, timeline)!;
  for await (const segment of readLog(repository, { timeline, first: after + 1, last }, captureKeys(repository, identity))) await merger.add(segment, options);
  await merger.catalog(options);
}

async function truth({ operation, store, folder }: KeptCluster): Promise<Pick<WholeRepository, 'files' | 'log'>> {
  const { repository, identity } = await openToRead(operation, store);
  const keys = captureKeys(repository, identity);
  const files = new Map<number, Buffer>();
  const path = join(folder, 'truth.db');
  for (const base of basesOf(repository.chain)) {
    await writeSnapshot(repository, base, path, keys);
    files.set(base.number, await readFile(path));
    await rm(path);
  }
  const log = new Map<number, LogRecord>();
  for (const entry of repository.chain.entries) {
    const part = segmentOf(entry);
    if (part) for (const record of (await readSegment(repository, part, keys)).records) log.set(record.revision, record);
  }
  return { files, log };
}
