import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PerformanceObserver, constants } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { boundYoung, collectYoung } from './collect-young.ts';

describe('collectYoung', () => {
  it('is a minor collection, and puts nothing into the globals', async () => {
    const kinds: unknown[] = [];
    const observer = new PerformanceObserver((list) => kinds.push(...(list.getEntries() as unknown as { detail: { kind: number } }[]).map(({ detail }) => detail.kind)));
    observer.observe({ entryTypes: ['gc'] });
    collectYoung();
    while (kinds.length === 0) await setTimeout(10);
    observer.disconnect();
    assert.ok(kinds.includes(constants.NODE_PERFORMANCE_GC_MINOR), kinds.join());
    assert.equal('gc' in globalThis, false);
  });
});

describe('boundYoung', () => {
  it('gives the space for what is young back, and it does not grow again', () => {
    const size = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!.physical_space_size;
    const kept: object[] = [];
    const fill = () => {
      for (let number = 0; number < 400_000; number++) kept.push({ number });
    };
    fill();
    const before = size();
    boundYoung();
    for (let round = 0; round < 3; round++) fill();
    assert.ok(before > 8e6 && size() < 4e6, `${before} bytes, then ${size()}`);
  });
});
