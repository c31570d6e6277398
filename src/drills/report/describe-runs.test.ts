import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleDrill } from '../../../test/support/example-drill.ts';
import { describeRuns } from './describe-runs.ts';

const format = (rows: readonly (readonly string[])[]) => rows.map((row) => row.join(' | ')).join('\n');
const { run } = exampleDrill({ seed: 1, seconds: 30 });
const lanes = run.lanes.filter(({ connection }) => connection !== 'reused, short').map((lane) => ({ ...lane, requests: 1000, refused: 1, unknown: 2, longestGap: lane.connection === 'new' ? 420 : 700 }));

describe('the runs on a terminal', () => {
  it('are a table and sentences', () => {
    assert.equal(
      describeRuns([{ ...run, lanes }], format),
      `FAULT | SET-UP | RUNS | NEW P50 / MAX | REUSED P50 / MAX | FAILED | LOST | VERDICTS | TARGET
N1 | kubekeep | 1 | 0.42 s / 0.42 s | 0.70 s / 0.70 s | 6 of 2,000 | 0 | held | missed

1 run of 1 fault. Every promise held in every run.
No acknowledged write was lost.
The longest time without a successful write through the VIP was 0.42 s with new connections and 0.70 s with one reused connection.
The target was missed: N1 (kubekeep) median 0.42 s instead of 0.40 s with new connections.`,
    );
  });

  it('name what did not hold, never came back or was not restored', () => {
    const verdicts = [{ ...run.verdicts[0]!, state: 'broken', found: '3 lost' }, { ...run.verdicts[1]!, state: 'unknown' }] as const;
    const text = describeRuns([{ ...run, lanes: lanes.map((lane) => ({ ...lane, dead: lane.connection === 'new' })), verdicts, restored: false }], format);
    assert.match(text, /0\.42 s \/ 0\.42 s, 1 never came back \| .* \| 3 \| 1 broken, 1 unknown, 1 not restored \| missed/);
    assert.match(text, /A promise was broken in 1 run\./);
  });

  it('do not steer the terminal with names', () => {
    const text = describeRuns([{ ...run, setup: 'a\u001B[2J\nb', lanes }], format);
    assert.doesNotMatch(text, /\u001B/);
    assert.match(text, /N1 \| a\uFFFD\[2J\uFFFDb \|/);
  });

  it('say that there are none', () => {
    assert.equal(describeRuns([], format), 'There is no run to report.');
  });
});
