/** The thread of a SnapshotReader: answers one task after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { openBolt, pageSizeOf } from '../bolt/bolt-file.ts';
import { hashKvOf } from '../bolt/key-space.ts';
import { readFrom } from '../bolt/open-file.ts';
import { toKubekeepError } from '../lib/errors.ts';
import { idLength } from './format/page-table.ts';
import { indexKeys } from './index-keys.ts';
import { pageIds } from './page-ids.ts';
import type { Answer, Input, Result, Task, TaskMessage } from './snapshot-reader.ts';

const { descriptor, idKey } = workerData as Input;
const found: Uint8Array[] = [];
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
  const more = pageIds(file, { key: idKey, pageSize }, pages);
  found.push(more);
  pages += more.length / idLength;
  return task.do === 'ids' ? { pageSize, ids: Buffer.concat(found) } : pages;
}
