import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Progress } from '../../lib/progress.ts';
import { keepMetrics, writeMetrics } from './metrics-file.ts';

describe('the file of metrics', () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'kubekeep-metrics-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  const repository = { chain: { entries: [] } } as never;
  /** Runs until it has slept so many times; `between` is called each time. */
  async function run(path: string, times: number, between: () => Promise<void> = async () => {}): Promise<readonly string[]> {
    const end = new AbortController();
    const notes: string[] = [];
    let slept = 0;
    const sleep = async () => {
      await between();
      if (++slept === times) end.abort();
    };
    const progress: Progress = (event) => void notes.push(event.type === 'note' ? event.title : '');
    const operation = { cluster: { name: 'prod' }, clock: { now: () => 1000 * (slept + 1), monotonic: () => 0, sleep }, progress } as never;
    const { ended } = await keepMetrics(operation, { repository }, path, end.signal);
    await ended;
    return notes;
  }

  it('is written again and again, whole, readable for all, and beside nothing', async () => {
    const path = join(folder, 'kubekeep.prom');
    assert.deepEqual(await run(path, 3), []);
    assert.match(await readFile(path, 'utf8'), /^kubekeep_backup_looked_timestamp_seconds\{cluster="prod"\} 3$/m);
    assert.equal((await stat(path)).mode & 0o777, 0o644);
    assert.deepEqual(await readdir(folder), ['kubekeep.prom']);
  });

  it('has the time at which its follower last saw that nothing was written', async () => {
    const path = join(folder, 'idle.prom');
    const body = { timeline: 'one', revision: 10, time: 5000, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0 };
    const followed = { repository: { chain: { entries: [{ kind: 'base', number: 1, writer: 'w', body }] } } as never, whole: () => ({ timeline: 'one', revision: 10, time: 70_000 }) };
    await writeMetrics({ cluster: { name: 'prod' }, clock: { now: () => 71_000 } } as never, followed, path);
    assert.match(await readFile(path, 'utf8'), /^kubekeep_backup_newest_timestamp_seconds\{cluster="prod"\} 70$/m);
  });

  it('that cannot be written is refused at first, and said later', async () => {
    const gone = join(folder, 'gone');
    await assert.rejects(run(join(gone, 'kubekeep.prom'), 1), { code: 'file-missing', message: /gone\/kubekeep\.prom/ });
    await mkdir(gone);
    const notes = await run(join(gone, 'kubekeep.prom'), 3, () => rm(gone, { recursive: true, force: true }));
    assert.equal(notes.length, 2);
    assert.match(notes[0]!, /the metrics cannot be written to .*gone/);
  });
});
