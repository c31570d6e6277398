import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { age, healthOf } from './backup-health.ts';
import type { Chain } from './chain.ts';

const now = Date.parse('2026-11-25T14:00:00Z');
const limits = { log: 60_000, base: 86_400_000 };
const equal = [{ member: 'cp1', verdict: 'equal' }, { member: 'cp2', verdict: 'equal' }];
type Body = Readonly<Record<string, unknown>>;
const base = (revision: number, ago: number, changes: Body = {}) => ({ kind: 'base', body: { timeline: 'one', revision, time: now - ago, compacted: -1, etcd: '3.7.3', member: 'cp1', quorum: true, length: 0, sha256: '0'.repeat(64), table: '0'.repeat(64), depth: 0, whole: true, capture: '', added: 0, hashes: equal, ...changes } });
const hashes = (of: number, revision: number, verdict: string) => ({ kind: 'base-hashes', body: { base: of, revision, hashes: [{ member: 'cp1', verdict: 'equal' }, ...['cp2', 'cp3'].map((member) => ({ member, verdict }))] } });
const segment = (first: number, last: number, ago: number, timeline = 'one') => ({ kind: 'segment', body: { timeline, first, last, from: now - ago - 1000, to: now - ago, member: 'cp1', capture: '', fingerprint: '' } });
const hole = (first: number, last: number) => ({ kind: 'hole', body: { timeline: 'one', first, last, why: 'test' } });
const verdict = (outcome: string, ago: number) => ({ kind: 'verdict', body: { timeline: 'one', base: 1, revision: 10, etcd: '3.7.3', kubernetes: '1.37.2', time: now - ago, took: 5000, outcome, problems: outcome === 'held' ? [] : ['why'] } });
const chainOf = (entries: readonly { readonly kind: string; readonly body: Body }[]) => ({ entries: entries.map((entry, index) => ({ number: index + 1, writer: 'w', ...entry })) }) as unknown as Chain;
const problems = (...entries: readonly { readonly kind: string; readonly body: Body }[]) => healthOf({ chain: chainOf(entries) }, now, limits).problems;

describe('backups', () => {
  for (const [title, entries, found] of [
    ['that go on are fine', [base(10, 3_600_000), segment(11, 20, 2000)], []],
    ['by bases alone are fine as long as those are young', [base(10, 3_600_000)], []],
    ['that never began are none', [], ['there is no base']],
    ['that ended are said to', [base(10, 3_600_000), segment(11, 20, 300_000)], ['the log ends 5 min ago, at revision 20']],
    ['with a base that is newer than the end of the log', [segment(11, 20, 300_000), base(30, 10_000)], []],
    ['of a cluster that was restored, which nobody follows any more', [base(10, 9_000_000), segment(11, 20, 8_000_000), base(1020, 7_200_000, { timeline: 'two' })], ["the log has not gone on since etcd's history began anew: base 3, 2 h ago, is all of it"]],
    ['of a cluster that was restored this minute', [base(10, 9_000_000), segment(11, 20, 70_000), base(1020, 50_000, { timeline: 'two' })], []],
    ['of a cluster that was restored and is followed again', [base(10, 9_000_000), segment(11, 20, 8_000_000), base(1020, 7_200_000, { timeline: 'two' }), segment(1021, 1030, 2000, 'two')], []],
    ['by bases alone of a cluster that was restored', [base(10, 9_000_000), base(1020, 7_200_000, { timeline: 'two' })], []],
    ['with an old base', [base(10, 90_000_000), segment(11, 20, 2000)], ['the newest base is 25 h old']],
    ['that nobody compared', [base(10, 700_000, { hashes: [] })], ['base 1 is not hash-checked']],
    ['that are being compared', [base(10, 1000, { hashes: [] })], []],
    ['that were compared', [base(10, 700_000, { hashes: undefined }), hashes(1, 10, 'equal')], []],
    ['that have diverged', [base(10, 3_600_000), base(20, 1000, { hashes: undefined }), hashes(2, 20, 'different')], ['base 2 is not to be used: what etcd on cp1 sent differs at revision 20 from what cp2 and cp3 say they have']],
    ['that had diverged before a good one', [base(10, 3_600_000, { hashes: undefined }), hashes(1, 10, 'different'), base(20, 1000)], []],
    ['that were never good', [base(10, 1000, { hashes: undefined }), hashes(1, 10, 'different')], ['there is no base', 'base 1 is not to be used: what etcd on cp1 sent differs at revision 10 from what cp2 and cp3 say they have']],
    ['of the only member that there is', [base(10, 1000, { hashes: [{ member: 'cp1', verdict: 'equal' }] })], []],
    ['of the only member that answered', [base(10, 1000, { hashes: [{ member: 'cp1', verdict: 'equal' }, { member: 'cp2', verdict: 'not reached' }] })], ['base 1 is not hash-checked']],
    ['of the only member, which could not say', [base(10, 1000, { hashes: [{ member: 'cp1', verdict: 'not comparable' }] })], ['base 1 is not hash-checked']],
    ['of a member that was alone', [base(10, 1000, { quorum: false })], ['base 1 was taken without a quorum']],
    ['with a young hole', [base(10, 9_000_000), segment(11, 20, 8_000_000), base(40, 7_000_000), hole(21, 40), segment(41, 50, 1000)], ['revisions 21 to 40 are lost']],
    ['that are of the future', [base(10, 3_600_000), segment(11, 20, -3_600_000)], ['the newest of it is of 60 min from now: the clock here, or that of who wrote it, is wrong']],
    ['with a base of the future, behind which nothing looks old', [base(10, -7_200_000), segment(11, 20, 300_000)], ['the newest of it is of 2 h from now: the clock here, or that of who wrote it, is wrong']],
    ['by a clock that is a little ahead are fine', [base(10, 3_600_000), segment(11, 20, -30_000)], []],
    ['with a hole of long ago', [base(10, 190_000_000), segment(11, 20, 180_000_000), base(40, 170_000_000), hole(21, 40), segment(41, 50, 1000), base(45, 1000)], []],
  ] as const) it(title, () => assert.deepEqual(problems(...entries), found));

  for (const [title, verdicts, limit, found] of [
    ['need not be rehearsed', [], undefined, []],
    ['that were never rehearsed, where that is wanted', [], 1, ['no point was ever held by a replay']],
    ['that were rehearsed in time', [verdict('held', 3_600_000)], 86_400_000, []],
    ['that were rehearsed too long ago', [verdict('held', 9_600_000)], 3_600_000, ['the last point that a replay held was looked at 2 h ago']],
    ['whose last replay could not look at all', [verdict('held', 9_600_000), verdict('degraded', 1000)], 3_600_000, ['the last point that a replay held was looked at 2 h ago']],
    ['that a replay found broken', [verdict('held', 3_600_000), verdict('broken', 1000)], undefined, ['the replay of revision 10, 1 s ago, found it broken, and none has held since: why']],
    ['that a replay found broken, and a later one could not tell', [verdict('broken', 3_600_000), verdict('degraded', 1000)], undefined, ['the replay of revision 10, 60 min ago, found it broken, and none has held since: why']],
    ['that were broken and are not any more', [verdict('broken', 3_600_000), verdict('held', 1000)], 86_400_000, []],
  ] as const) it(title, () => assert.deepEqual(healthOf({ chain: chainOf([base(10, 1000), ...verdicts]) }, now, { ...limits, rehearsed: limit }).problems, found));

  for (const [title, whole, found] of [
    ['are fine while its follower sees that nothing is written', { timeline: 'one', revision: 20, time: now - 2000 }, []],
    ['that end before what its follower has seen are said to have ended', { timeline: 'one', revision: 21, time: now - 2000 }, ['the log ends 5 min ago, at revision 20']],
    ['are said to have ended where its follower sees another etcd', { timeline: 'two', revision: 20, time: now - 2000 }, ['the log ends 5 min ago, at revision 20']],
    ['are said to have ended where its follower has seen nothing for long', { timeline: 'one', revision: 20, time: now - 240_000 }, ['the log ends 4 min ago, at revision 20']],
  ] as const) it(`of an etcd to which nobody writes ${title}`, () => assert.deepEqual(healthOf({ chain: chainOf([base(10, 3_600_000), segment(11, 20, 300_000)]), whole }, now, limits).problems, found));

  it('have as newest base that of the highest revision, whoever of two wrote its entry first', () => {
    const { base: newest, problems: found } = healthOf({ chain: chainOf([base(20, 1000), base(10, 90_000_000)]) }, now, limits);
    assert.deepEqual([newest?.revision, found], [20, []]);
  });

  it('have an age in one unit', () => assert.deepEqual([-5, 0, 119_499, 120_000, 7_199_000, 7_200_000, 172_800_000].map(age), ['0 s', '0 s', '119 s', '2 min', '119 min', '2 h', '2 d']));
});
