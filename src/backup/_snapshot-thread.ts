/** The thread of a SnapshotReader: answers one task after the other. */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { openBolt, pageSizeOf, type ReadAt } from '../bolt/bolt-file.ts';
import { hashKvOf } from '../bolt/key-space.ts';
import { readFrom } from '../bolt/open-file.ts';
import { toKubekeepError } from '../lib/errors.ts';
import { idLength } from './format/page-table.ts';
import { indexKeys } from './index-keys.ts';
import { pageIds } from './page-ids.ts';
import type { Answer, Input, Result, Task, TaskMessage } from './snapshot-reader.ts';

const { descriptor, idKey } = workerData as Input;
/** Of the first pages, all that were there: their ids, and the sum of what they are. */
const found: Uint8Array[] = [];
const sum = createHash('sha256');
let pages = 0;

parentPort!.on('message', ({ number, task }: TaskMessage) => {
  perform(task).then(
    (result) => post({ number, result }),
    (error: unknown) => {
      const { code, message, hint } = toKubekeepError(error);
      post({ number, error: { code, message, hint } });
    },
  );
});

function post(answer: Answer): void {
  parentPort!.postMessage(answer);
}

async function perform(task: Task): Promise<Result> {
  const file = readFrom(descriptor, task.size);
  if (task.do === 'hash') return hashKvOf(openBolt(file), task.revision, task.compacted);
  if (task.do === 'index') return indexKeys(file, task.states);
  const pageSize = pageSizeOf(file);
  const more = pageIds(summed(file), { key: idKey, pageSize }, pages);
  found.push(more);
  pages += more.length / idLength;
  if (task.do === 'begin') return pages;
  // What is no whole page.
  const rest = file.read(pages * pageSize, file.size - pages * pageSize);
  return { pageSize, ids: Buffer.concat(found), sha256: sum.copy().update(rest).digest('hex') };
}

/** What is read of it, one byte after the other, is summed. */
function summed({ size, read }: ReadAt): ReadAt {
  return {
    size,
    read(...place) {
      const bytes = read(...place);
      sum.update(bytes);
      return bytes;
    },
  };
}
