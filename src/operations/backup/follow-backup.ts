import { basesOf } from '../../backup/points.ts';
import type { WriterKeys } from '../../backup/repository-keys.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { BackupOperation } from './backup-operation.ts';
import { askMembers } from './etcd-members.ts';
import { LogCapturer } from './log-capturer.ts';
import { keepMetrics } from './metrics-file.ts';
import { openAsWriter, openToWrite, remember, type OpenToWrite } from './open-backup.ts';
import { noteRecipients, takeOne } from './run-backup.ts';

/** ms before the next attempt, twice as long each time. */
const retry = { least: 1000, most: 16_000 };
/** What passes by itself. What was not appended is taken from etcd again then. */
const passing: ReadonlySet<string> = new Set(['etcd-failed', 'host-unreachable', 'log-gap', 'store-failed']);

export interface FollowOptions {
  /** Path of a file for Prometheus. */
  readonly metrics?: string | undefined;
  /** Of a writer that has no others; default: those that `backup init` kept. */
  readonly keys?: WriterKeys | undefined;
}

/**
 * Appends every revision of etcd to the log until the signal fires, from where the log ended. Only what etcd has compacted before it could be captured is lost: that is a hole in the log, behind
 * which stands a new base. Rejects with what does not pass by itself.
 */
export async function followBackup(operation: BackupOperation, store: Store, { metrics, keys }: FollowOptions = {}): Promise<never> {
  const { clock, signal, progress, state } = operation;
  const open = keys ? await openAsWriter(operation, store, keys) : await openToNote(operation, store);
  const capturer = new LogCapturer({
    repository: open.repository,
    writer: open.keys.writer,
    ask: () => askMembers(operation, basesOf(open.repository.chain)),
    takeBase: (members) => takeOne(operation, open, members),
    remember: () => remember(state, open.repository).catch((error: Error) => {
      if (error instanceof KubekeepError && error.code !== 'file-missing') throw error;
      // A full disk here must not end what goes to another one.
      progress({ type: 'note', title: 'the newest entry of the repository cannot be noted', detail: error.message });
    }),
    clock, signal, progress,
  });
  const end = new AbortController();
  const measured = metrics === undefined ? undefined : await keepMetrics(operation, { ...open, whole: () => capturer.whole }, metrics, AbortSignal.any([signal, end.signal]));
  try {
    return await captureOn(capturer, operation);
  } finally {
    end.abort();
    await measured?.ended;
    await capturer.settled();
  }
}

/** Who may read is a question of the operator's: another writer cannot know whom the cluster file names. */
async function openToNote(operation: BackupOperation, store: Store): Promise<OpenToWrite> {
  const open = await openToWrite(operation, store);
  await noteRecipients(operation, open);
  return open;
}

async function captureOn(capturer: LogCapturer, { clock, signal, progress }: BackupOperation): Promise<never> {
  let wait = retry.least;
  for (;;) {
    const begin = clock.monotonic();
    try {
      await capturer.capture();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KubekeepError && passing.has(error.code))) throw error;
      // One that went well for a while is no second failure.
      if (clock.monotonic() - begin > retry.most * 2) wait = retry.least;
      progress({ type: 'note', title: 'the log waits', detail: error.message });
      await clock.sleep(wait, signal);
      wait = Math.min(retry.most, wait * 2);
    }
  }
}
