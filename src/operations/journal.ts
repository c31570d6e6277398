import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What was done to a cluster: one JSON line an event in the state folder; each host keeps the lines that concern it in /var/lib/kubekeep/journal. */
export interface JournalEntry {
  /** RFC 3339. */
  readonly time: string;
  readonly operation: string;
  readonly user: string;
  readonly event: 'began' | 'step done' | 'step failed' | 'ended' | 'failed';
  readonly step?: string;
  readonly detail?: string;
}

export type Journal = (entry: Pick<JournalEntry, 'event' | 'step' | 'detail'>) => Promise<void>;

export function openJournal(path: string, operation: string, user: string, now: () => number): Journal {
  return async (entry) => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const line: JournalEntry = { time: new Date(now()).toISOString(), operation, user, ...entry };
    await appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  };
}
