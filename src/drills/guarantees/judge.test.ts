import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence } from '../../../test/support/drill-evidence.ts';
import { plantedBreaches, soundEvidence } from '../../../test/support/planted-breaches.ts';
import { checkers, judge } from './judge.ts';

const ids = checkers.map((check) => check(evidence([])).guarantee);

describe('the judge', () => {
  test('has a verdict of every checker, each with a promise in words, and all are held for a healthy run', () => {
    const verdicts = judge(soundEvidence);
    assert.deepEqual(verdicts.map(({ guarantee, state }) => [guarantee, state]), ['C-ack', 'C-lin', 'C-rev', 'C-watch', 'C-hash', 'C-avail', 'C-gap', 'C-vip', 'C-calm', 'C-token', 'C-converge', 'C-secret', 'C-truth'].map((id) => [id, 'held']));
    assert.ok(verdicts.every(({ promise, breaches }) => /^[A-Z].*\.$/.test(promise) && breaches.length === 0));
  });

  test('has a planted breach for each checker', () => assert.deepEqual(new Set(plantedBreaches.map(({ guarantee }) => guarantee)), new Set(ids)));

  for (const { guarantee, title, evidence: spoiled } of plantedBreaches) {
    test(`catches ${title} by ${guarantee}, and by nothing else`, () => {
      const broken = (using = checkers) => judge(spoiled, using).filter(({ state }) => state === 'broken').map((verdict) => verdict.guarantee);
      assert.deepEqual(broken(), [guarantee]);
      const others = checkers.filter((_, position) => ids[position] !== guarantee);
      assert.equal(others.length, checkers.length - 1);
      assert.deepEqual(broken(others), []);
    });
  }

  test('calls nothing held where a line of the history is damaged; what is broken stays so', () => {
    const verdicts = judge({ ...plantedBreaches[0]!.evidence, damage: ['line 12: not JSON, or cut', 'line 13: empty'] });
    assert.deepEqual(verdicts.map(({ state }) => state), ['broken', ...ids.slice(1).map(() => 'unknown')]);
    assert.match(verdicts[1]!.found, /; the history is damaged \(line 12: not JSON, or cut and 1 more\)$/);
  });

  test('calls nothing held where there is no history', () => assert.ok(judge(evidence([])).every(({ state }) => state === 'unknown')));
});
