import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { exampleDrill } from '../../../test/support/example-drill.ts';
import { describeRuns } from './describe-runs.ts';
import { readRuns } from './read-runs.ts';
import { renderReport } from './render-report.ts';

describe('the runs that were kept', () => {
  let folder: string;
  const [first, killed, half, last] = ['2026-11-26T10-00-00-N1', '2026-11-26T11-00-00-E2', '2026-11-26T12-00-00-A2', '2026-11-26T13-00-00-N1'] as const;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-test-'));
    for (const name of [last, half, killed, first]) await mkdir(join(folder, name));
    for (const name of [first, last]) await writeFile(join(folder, name, 'run.json'), JSON.stringify({ ...exampleDrill({ seed: 1, seconds: 30 }).run, id: name }));
    await writeFile(join(folder, half, 'run.json'), '{"id": "2026');
    await writeFile(join(folder, 'pending.json'), '{}');
  });
  after(() => rm(folder, { recursive: true }));

  it('are those with a result, by time; what was cut off is named', async () => {
    const { runs, unfinished } = await readRuns(folder);
    assert.deepEqual(runs.map(({ run }) => run.id), [first, last]);
    assert.deepEqual(unfinished, [killed, half]);
    assert.deepEqual((await readRuns(folder, 2)).unfinished, [half]);
    assert.deepEqual(await readRuns(join(folder, 'none')), { runs: [], unfinished: [] });
  });

  it('are not all called held where one has no result', async () => {
    const { runs, unfinished } = await readRuns(folder);
    const [all, table] = [runs.map(({ run }) => run), () => ''];
    for (const text of [describeRuns(all, table, unfinished), renderReport(all, new Map(), new Map(), unfinished)]) {
      assert.match(text, /Every promise held in every run that has a result\./);
      assert.match(text, /2 more runs have no result, cut off or still going on: \S+-E2 and \S+-A2\. Whether they kept the promises is unknown/);
    }
    assert.match(describeRuns(all, table), /Every promise held in every run\.\n/);
  });
});
