import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { BackupOperation } from './backup-operation.ts';
import { askMembers } from './etcd-members.ts';
import { LogCapturer } from './log-capturer.ts';
import { keepMetrics } from './metrics-file.ts';
import { openToWrite, remember } from './open-backup.ts';
import { noteRecipients, takeOne } from './run-backup.ts';

/** ms before the next attempt, twice as long each time. */
const retry = { least: 1000, most: 16_000 };
/** What passes by itself. What was not appended is taken from etcd again then. */
const passing: ReadonlySet<string> = new Set(['etcd-failed', 'host-unreachable', 'log-gap', 'store-failed']);

/**
 * Appends every revision of etcd to the log until the signal fires, from where the log ended. Only what etcd has compacted before it could be captured is lost: that is a hole in the log, behind
 * which stands a new base. Rejects with what does not pass by itself.
 */
export async function followBackup(operation: BackupOperation, store: Store, { metrics }: { /** Path of a file for Prometheus. */ readonly metrics?: string | undefined } = {}): Promise<never> {
  const { clock, signal, progress, state } = operation;
  const open = await openToWrite(operation, store);
  await noteRecipients(operation, open);
  const capturer = new LogCapturer({
    repository: open.repository,
    writer: open.keys.writer,
    ask: () => askMembers(operation),
    takeBase: (members) => takeOne(operation, open, members),
    remember: () => remember(state, open.repository).catch((error: Error) => {
      if (error instanceof KubekeepError && error.code !== 'file-missing') throw error;
      // A full disk here must not end what goes to another one.
      progress({ type: 'note', title: 'the newest entry of the repository cannot be noted', detail: error.message });
    }),
    clock, signal, progress,
  });
  const end = new AbortController();
  const measured = metrics === undefined ? undefined : await keepMetrics(operation, open.repository, metrics, AbortSignal.any([signal, end.signal]));
  try {
    return await captureOn(capturer, operation);
  } finally {
    end.abort();
    await measured?.ended;
    await capturer.settled();
  }
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
