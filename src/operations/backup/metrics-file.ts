import { rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { healthOf, usualLimits, type Limits, type WholeLog } from '../../backup/backup-health.ts';
import { backupMetrics } from '../../backup/backup-metrics.ts';
import type { WriterKeys } from '../../backup/repository-keys.ts';
import type { Repository } from '../../backup/repository.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { ReadOperation } from './backup-operation.ts';
import { leads } from './log-capturer.ts';

/** ms between two times at which a follower writes its metrics. */
const every = 10_000;

interface Measured {
  readonly repository: Pick<Repository, 'chain'>;
  /** Of the follower that measures itself. */
  readonly keys?: Pick<WriterKeys, 'writer'> | undefined;
  /** Of a follower: what it knows now. */
  readonly whole?: (() => WholeLog | undefined) | undefined;
  readonly limits?: Limits | undefined;
}

/** Writes the health of backups for Prometheus' node_exporter (its textfile collector): whole or not at all, readable for all. Throws `file-missing`. */
export async function writeMetrics({ cluster, clock }: Pick<ReadOperation, 'cluster' | 'clock'>, { repository, keys, whole, limits = usualLimits }: Measured, path: string): Promise<void> {
  const now = clock.now();
  const text = await backupMetrics(healthOf({ chain: repository.chain, whole: whole?.() }, now, limits), { cluster: cluster.name, now, leads: keys && (leads(repository, keys.writer) ?? false) });
  // The collector reads names that end in .prom.
  const unfinished = `${resolve(path)}.new`;
  try {
    await writeFile(unfinished, text, { mode: 0o644 });
    await rename(unfinished, path);
  } catch (error) {
    throw new KubekeepError('file-missing', `the metrics cannot be written to ${path}: ${(error as Error).message}`, { hint: 'Name a file in a folder that is there.', cause: error });
  }
}

/** Writes them now and until the signal fires. Rejects only the first time: what is captured must not end for a full disk. */
export async function keepMetrics(operation: Pick<ReadOperation, 'cluster' | 'clock' | 'progress'>, measured: Measured, path: string, signal: AbortSignal): Promise<{ readonly ended: Promise<void> }> {
  await writeMetrics(operation, measured, path);
  const goOn = async () => {
    while (!signal.aborted) {
      await writeMetrics(operation, measured, path).catch((error: Error) => operation.progress({ type: 'note', title: error.message }));
      await operation.clock.sleep(every, signal).catch(() => {});
    }
  };
  return { ended: goOn() };
}
