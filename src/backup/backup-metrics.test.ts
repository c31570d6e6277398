import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backupMetrics } from './backup-metrics.ts';

const at = { cluster: 'prod', now: 1_700_000_060_000 };
const values = (text: string) => Object.fromEntries(text.split('\n').flatMap((line) => (/^kubekeep_backup_(\w+)\{cluster="prod"\} (\S+)$/.exec(line) ?? []).slice(1).length === 2 ? [/^kubekeep_backup_(\w+)\{cluster="prod"\} (\S+)$/.exec(line)!.slice(1) as [string, string]] : []));

describe('metrics of backups', () => {
  it('say what backup check says', async () => {
    const base = { time: 1_700_000_000_000, hashChecked: true, length: 4096 } as never;
    assert.deepEqual(values(await backupMetrics({ newest: { revision: 12, time: 1_700_000_050_500 }, base, rehearsed: 1_700_000_030_000, problems: ['one'] }, at)), {
      rehearsed_timestamp_seconds: '1700000030',
      newest_timestamp_seconds: '1700000050.5', newest_revision: '12', base_timestamp_seconds: '1700000000', base_hash_checked: '1', base_bytes: '4096', problems: '1', looked_timestamp_seconds: '1700000060',
    });
  });

  it('leave out what is not known, and can be asked for again', async () => {
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(values(await backupMetrics({ newest: undefined, base: undefined, problems: ['there is no base'] }, at)), { problems: '1', looked_timestamp_seconds: '1700000060' });
    }
  });
});
