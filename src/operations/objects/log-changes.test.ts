import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { captureKeys } from '../../backup/captures.ts';
import { checkSegmentIndex, indexRecords } from '../../backup/change-log/segment-index.ts';
import type { WantedKeys } from '../../backup/format/key-index.ts';
import { segmentOf } from '../../backup/change-log/coverage.ts';
import { readSegment } from '../../backup/change-log/read-log.ts';
import type { ProgressEvent } from '../../lib/progress.ts';
import { pagedRepository, timeline } from '../../../test/support/paged-repository.ts';
import { logChanges } from './log-changes.ts';

describe('changes of the log', () => {
  it('come in the order of the revisions, though pieces are fetched ahead and some are slow', async () => {
    await using paged = await pagedRepository();
    await paged.addBase(10, 1);
    await paged.addLog(11, 100, 2, false);
    const repository = await paged.made.read();
    const payload = async (number: number) => {
      for (let turns = number % 5; turns > 0; turns--) await setImmediate();
      return repository.chain.payload(number);
    };
    const slow = { ...repository, chain: { ...repository.chain, entries: repository.chain.entries, payload } };
    const changes = await Array.fromAsync(logChanges({ signal: new AbortController().signal, progress: () => {} }, slow, captureKeys(repository, paged.made.identity), { timeline, after: 15, upTo: 96 }, new Set(['k'])));
    assert.deepEqual(changes.map((one) => (one.kind === 'change' ? one.revision : one.kind)), Array.from({ length: 81 }, (_, at) => at + 16));
  });

  it('are read of those merged segments whose index has a wanted key, and of all where it is damaged', async () => {
    await using paged = await pagedRepository();
    await paged.addBase(10, 1);
    await paged.addLog(11, 40, 2, true);
    const { made: { folder, identity } } = paged;
    const repository = await paged.made.read();
    const keys = captureKeys(repository, identity);
    const told: string[] = [];
    const read: string[] = [];
    const counted = { ...repository, get: (...args: Parameters<typeof repository.get>) => (read.push(args[0]), repository.get(...args)) };
    const revisionsOf = async (wanted: WantedKeys) => {
      read.length = 0;
      const changes = await Array.fromAsync(logChanges({ signal: new AbortController().signal, progress: ({ title }: ProgressEvent) => void told.push(title) }, counted, keys, { timeline, after: 10, upTo: 40 }, wanted));
      return changes.map((one) => (one.kind === 'change' ? one.revision : one.kind));
    };
    const revisions = async (wanted: string) => {
      const found = await revisionsOf((key) => key === wanted);
      const reads = [...read];
      assert.deepEqual([await revisionsOf(new Set([wanted, 'none'])), read], [found, reads], 'by its name');
      return found;
    };
    const all = Array.from({ length: 30 }, (_, at) => at + 11);
    assert.deepEqual([await revisions('k'), [...read]], [all, ['index', 'segment']]);
    assert.deepEqual([await revisions('other'), [...read]], [[], ['index']]);
    const part = repository.chain.entries.flatMap((entry) => segmentOf(entry) ?? [])[0]!;
    const { records } = await readSegment(repository, part, keys);
    await checkSegmentIndex(repository, part, records, keys);
    await assert.rejects(checkSegmentIndex(repository, part, records.slice(1), keys), { code: 'repository-damaged', message: /^indexes\// });
    assert.ok(indexRecords(records).length < 200);
    const [name] = (await readdir(join(folder, 'indexes'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
    for (const damage of [() => writeFile(name!, 'bad'), () => rm(name!)]) {
      await damage();
      told.length = 0;
      assert.deepEqual([await revisions('k'), await revisions('other')], [all, []]);
      assert.match(told[0]!, /^the key index of revisions 11 to 40 cannot be used, so they are all read: indexes\//);
    }
  });
});
