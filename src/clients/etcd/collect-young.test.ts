import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PerformanceObserver, constants } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { collectYoung } from './_collect-young.ts';

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
