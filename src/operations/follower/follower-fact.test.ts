import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backupMetrics } from '../../backup/backup-metrics.ts';
import type { Base } from '../../backup/points.ts';
import { parseFollower } from './follower-fact.ts';

const base = { time: 1_795_000_000_000, revision: 7, length: 1, hashChecked: true } as Base;

describe('what a follower says of itself', () => {
  it('is read from its metrics', async () => {
    const newest = { time: 1_795_000_001_500, revision: 450 };
    for (const leads of [true, false]) assert.deepEqual(parseFollower(await backupMetrics({ newest, base, problems: [] }, { cluster: 'prod', now: 1_795_000_002_000, leads })), { leads, newest, looked: 1_795_000_002_000 });
  });

  it('may be that there is no point yet', async () => {
    assert.deepEqual(parseFollower(await backupMetrics({ newest: undefined, base: undefined, problems: ['there is no base'] }, { cluster: 'prod', now: 5000, leads: false })), { leads: false, newest: undefined, looked: 5000 });
  });

  it('is nothing where the metrics are of somebody who does not follow, or are cut short', async () => {
    assert.equal(parseFollower(await backupMetrics({ newest: undefined, base: undefined, problems: [] }, { cluster: 'prod', now: 5000 })), undefined);
    assert.equal(parseFollower(''), undefined);
  });
});
