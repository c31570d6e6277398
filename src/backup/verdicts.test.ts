import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rehearsedBases } from './verdicts.ts';

test('a base is rehearsed by the last replay of it that could tell', () => {
  const verdict = (base: number, outcome: string) => ({ kind: 'verdict', body: { timeline: 'one', base, revision: 10, etcd: '3.7.3', kubernetes: '1.37.2', time: 0, took: 0, outcome, problems: [] } });
  const entries = [verdict(1, 'held'), verdict(1, 'degraded'), verdict(2, 'held'), verdict(2, 'broken'), verdict(2, 'degraded'), verdict(3, 'broken'), verdict(3, 'held'), verdict(4, 'degraded')];
  assert.deepEqual([...rehearsedBases({ entries } as never)], [1, 3]);
});
