import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KubekeepError } from '../../lib/errors.ts';
import { seededDraw } from '../../lib/seeded-draw.ts';
import { retryingStore } from './retrying-store.ts';
import type { Store } from './store.ts';
import { storeConformance } from './store.conformance.ts';
import { TemporaryStoreError } from './temporary-store-error.ts';

const signal = new AbortController().signal;
const places = new Map<string, Map<string, Uint8Array>>();

/** Keeps objects in memory. `fault` may throw, before or after it was done. */
function memoryStore(place: string, fault: (when: 'before' | 'after') => void): Store {
  const objects = places.get(place) ?? new Map<string, Uint8Array>();
  places.set(place, objects);
  const done = async <T>(work: () => T): Promise<T> => {
    fault('before');
    const result = work();
    await Promise.resolve();
    fault('after');
    return result;
  };
  return {
    place,
    create: (name, bytes) => done(() => (objects.has(name) ? 'exists' : (objects.set(name, Uint8Array.from(bytes)), 'created'))),
    overwrite: (name, bytes) => done(() => void objects.set(name, Uint8Array.from(bytes))),
    read: (name) => done(() => objects.get(name)),
    list: (prefix, after = '') => done(() => [...objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort()),
    remove: (name) => done(() => void objects.delete(name)),
  };
}

const draw = seededDraw(5);
const faults = { before: 0, after: 0 };
const sometimes = (when: 'before' | 'after') => {
  if (draw() >= 0.1) return;
  faults[when]++;
  throw new TemporaryStoreError(`disturbed ${when}`);
};
const quick = { clock: { sleep: async () => {} }, draw, signal };
let count = 0;
const open = (place: string) => retryingStore(memoryStore(place, sometimes), quick);
storeConformance('a store that fails now and then, before or after it did it, behind retries', { open: async () => open(String(++count)), again: async ({ place }) => open(place) });

describe('retries', () => {
  it('had something to do', () => assert.ok(faults.before > 50 && faults.after > 50, JSON.stringify(faults)));

  /** How long it waited between attempts, in ms, and how it ended. */
  async function waits(error: Error, at: () => number) {
    const slept: number[] = [];
    let attempts = 0;
    const store = retryingStore(memoryStore(String(++count), () => { attempts++; throw error; }), { clock: { sleep: async (ms) => void slept.push(ms) }, draw: at, signal });
    await assert.rejects(store.read('x'), error);
    return { slept, attempts };
  }

  it('wait twice as long each time, by chance less, and end after six attempts', async () => {
    assert.deepEqual(await waits(new TemporaryStoreError('busy'), () => 0.5), { slept: [200, 400, 800, 1600, 3200], attempts: 6 });
    assert.deepEqual((await waits(new TemporaryStoreError('busy'), () => 0)).slept, [0, 0, 0, 0, 0]);
  });

  it('are not made of what does not pass by itself', async () => {
    assert.equal((await waits(new KubekeepError('store-failed', 'not allowed'), () => 0.5)).attempts, 1);
  });

  /** What a first attempt comes to that writes `written` and is cut, and the object afterwards. */
  async function createdAfterCut(written: string, bytes: string) {
    const quiet = memoryStore(String(++count), () => {});
    let first = true;
    const store = retryingStore({ ...quiet, async create(name, given) {
      if (!first) return quiet.create(name, given);
      first = false;
      await quiet.create(name, Buffer.from(written));
      throw new TemporaryStoreError('cut');
    } }, quick);
    return { outcome: await store.create('chain/1', Buffer.from(bytes)), there: Buffer.from((await quiet.read('chain/1'))!).toString() };
  }

  it('take what an attempt wrote that was cut for their own, and nothing else', async () => {
    assert.deepEqual(await createdAfterCut('mine', 'mine'), { outcome: 'created', there: 'mine' });
    assert.deepEqual(await createdAfterCut('of another', 'mine'), { outcome: 'exists', there: 'of another' });
  });

  it('end when they are interrupted', async () => {
    const interruption = new AbortController();
    const store = retryingStore(memoryStore(String(++count), () => { throw new TemporaryStoreError('busy'); }), { clock: { sleep: async (_, given) => { interruption.abort(); given?.throwIfAborted(); } }, draw, signal: interruption.signal });
    await assert.rejects(store.read('x'), { name: 'AbortError' });
  });
});
