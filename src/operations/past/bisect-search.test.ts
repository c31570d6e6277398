import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clipped, countOf, judged, nextToJudge, revisionAt, type Judgement, type Search } from './bisect-search.ts';

describe('the search for the first bad one', () => {
  const search = (count: number, judgementOf: (index: number) => Judgement) => {
    let state: Search = { good: -1, bad: count - 1, skipped: new Set() };
    const looked: number[] = [];
    for (let index = nextToJudge(state); index !== undefined; index = nextToJudge(state)) {
      assert.ok(index > state.good && index < state.bad && !looked.includes(index), `${index} was judged before, or need not be`);
      looked.push(index);
      state = judged(state, index, judgementOf(index));
    }
    return { good: state.good, bad: state.bad, looked: looked.length };
  };

  it('finds each one, wherever it is', () => {
    for (const count of [1, 2, 3, 7, 64]) for (let first = 0; first < count; first++) assert.deepEqual({ ...search(count, (index) => (index < first ? 'good' : 'bad')), looked: 0 }, { good: first - 1, bad: first, looked: 0 });
  });

  it('looks at 22 of 3 million at the most', () => {
    const [count, at] = [3_000_000, [0, 1, 2, 1_499_999, 1_500_000, 2_097_151, 2_999_998, 2_999_999, 123_456]];
    for (const first of at) {
      const { bad, looked } = search(count, (index) => (index < first ? 'good' : 'bad'));
      assert.ok(bad === first && looked <= 22, `${first}: ${looked}`);
    }
  });

  for (const [title, skipped, first, found] of [
    ['goes round those that cannot be judged', (index: number) => index >= 40 && index < 60, 77, { good: 76, bad: 77 }],
    ['says between which it is where those between cannot be', (index: number) => index >= 60 && index < 63, 62, { good: 59, bad: 63 }],
    ['finds it at the end of them', (index: number) => index > 10 && index < 30, 30, { good: 10, bad: 30 }],
  ] as const) {
    it(title, () => {
      const { looked: _, ...edge } = search(100, (index) => (skipped(index) ? 'skip' : index < first ? 'good' : 'bad'));
      assert.deepEqual(edge, found);
    });
  }

  it('counts only those that lie between still: where six of seven cannot be judged it finds the nearest of the others', () => {
    const { looked: _, ...edge } = search(3_000_000, (index) => (index % 7 !== 0 ? 'skip' : index < 1_234_567 ? 'good' : 'bad'));
    assert.deepEqual(edge, { good: 1_234_562, bad: 1_234_569 });
  });

  it('gives up where hardly any can be judged', () => {
    const { looked, ...edge } = search(3_000_000, () => 'skip');
    assert.deepEqual([edge, looked < 50], [{ good: -1, bad: 2_999_999 }, true]);
  });

  it('counts over gaps', () => {
    const ranges = [{ first: 5, last: 6 }, { first: 10, last: 10 }, { first: 20, last: 25 }];
    assert.equal(countOf(ranges), 9);
    assert.deepEqual([0, 1, 2, 3, 8, 9, -1].map((index) => revisionAt(ranges, index)), [5, 6, 10, 20, 25, undefined, 25]);
    assert.deepEqual(clipped(ranges, 5, 21), [{ first: 6, last: 6 }, { first: 10, last: 10 }, { first: 20, last: 21 }]);
    assert.deepEqual(clipped(ranges, 6, 9), []);
  });
});
