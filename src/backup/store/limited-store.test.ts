import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitedStore } from './limited-store.ts';
import type { Store } from './store.ts';

describe('a limit of bandwidth', () => {
  /** When each object was written, in ms, by a clock that nothing but waiting moves. */
  function limited(bandwidth: number) {
    let time = 1000;
    const written: [name: string, at: number][] = [];
    const store: Store = {
      place: 'here',
      create: async (name) => (written.push([name, time]), 'created'),
      overwrite: async () => {},
      read: async () => new Uint8Array(1e6),
      list: async () => [],
      remove: async () => {},
    };
    const slept: number[] = [];
    const sleep = async (ms: number) => {
      slept.push(ms);
      const until = time + ms;
      await Promise.resolve();
      time = Math.max(time, until);
    };
    return { store: limitedStore(store, { bandwidth, clock: { monotonic: () => time, sleep }, signal: new AbortController().signal }), written, slept, now: () => time };
  }
  const megabyte = new Uint8Array(1e6);

  it('spreads what is written, one after the other or at once, and not the first', async () => {
    const { store, written, slept } = limited(2e6);
    await store.create('packs/1', megabyte);
    await store.create('packs/2', megabyte);
    assert.deepEqual(written, [['packs/1', 1000], ['packs/2', 1500]]);
    await Promise.all([store.create('packs/3', megabyte), store.create('packs/4', megabyte)]);
    assert.deepEqual(slept, [500, 500, 1000]);
  });

  it('does not hold up the log, nor who reads, and has what it brought make a base wait', async () => {
    const { store, written, slept, now } = limited(1000);
    await store.create('packs/1', megabyte);
    const log = ['chain/1', 'captures/1.age', 'segments/1', 'indexes/1', 'tables/1'];
    for (const name of log) await store.create(name, megabyte);
    await store.read('packs/1');
    assert.deepEqual(written, ['packs/1', ...log].map((name) => [name, 1000]));
    assert.equal(now(), 1000);
    await store.create('packs/2', megabyte);
    assert.deepEqual(slept, [5_000_000]);
  });
});
