import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Store } from './store.ts';

/** The promises of `Store`. Every implementation runs them; `open` gives an empty store, or the same one again. */
export function storeConformance(title: string, { open, again }: { readonly open: () => Promise<Store>; readonly again: (store: Store) => Promise<Store> }): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const text = async (store: Store, name: string) => new TextDecoder().decode(await store.read(name));

  describe(title, () => {
    test('what was created is read by another process, byte for byte', async () => {
      const store = await open();
      const large = randomBytes(5 << 20);
      assert.equal(await store.create('packs/ab/large', large), 'created');
      assert.equal(await store.create('empty', new Uint8Array()), 'created');
      const other = await again(store);
      assert.deepEqual(Buffer.from((await other.read('packs/ab/large'))!), large);
      assert.equal((await other.read('empty'))!.length, 0);
    });

    test('a name that is taken is not written again, nor changed', async () => {
      const store = await open();
      assert.equal(await store.create('chain/0001', bytes('first')), 'created');
      assert.equal(await store.create('chain/0001', bytes('second')), 'exists');
      assert.equal(await text(store, 'chain/0001'), 'first');
    });

    test('a name that is taken by something large is not written again either', async () => {
      const store = await open();
      const large = Buffer.alloc(20 << 20, 1);
      assert.equal(await store.create('tables/ab/large', large), 'created');
      assert.equal(await store.create('tables/ab/large', Buffer.alloc(20 << 20, 2)), 'exists');
      assert.ok(large.equals((await store.read('tables/ab/large'))!));
    });

    test('of many that create one name at once one does', async () => {
      const store = await open();
      const others = await Promise.all(Array.from({ length: 8 }, () => again(store)));
      const outcomes = await Promise.all(others.map((other, number) => other.create('chain/0002', bytes(String(number)))));
      assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1);
      assert.equal(await text(store, 'chain/0002'), String(outcomes.indexOf('created')));
    });

    test('what is not there is undefined', async () => {
      const store = await open();
      assert.equal(await store.read('nothing'), undefined);
      assert.equal(await store.read('no/such/folder'), undefined);
    });

    test('overwrite writes, and writes again', async () => {
      const store = await open();
      await store.overwrite('head', bytes('1'));
      await store.overwrite('head', bytes('22'));
      assert.equal(await text(store, 'head'), '22');
    });

    test('lists names below a prefix in order, all of them', async () => {
      const store = await open();
      const names = Array.from({ length: 1100 }, (_, number) => `chain/${String(number).padStart(4, '0')}`);
      const all = [...names, 'packs/ab/1', 'packs/cd/2'];
      for (let at = 0; at < all.length; at += 100) await Promise.all(all.slice(at, at + 100).map((name) => store.create(name, bytes(name))));
      assert.deepEqual(await store.list('chain/'), names);
      assert.deepEqual(await store.list('chain/100'), names.slice(1000, 1010));
      assert.deepEqual(await store.list('chain/', names[1004]), names.slice(1005));
      assert.deepEqual(await store.list('chain/', names.at(-1)), []);
      assert.deepEqual(await store.list('packs/'), ['packs/ab/1', 'packs/cd/2']);
      assert.deepEqual(await store.list('segments/'), []);
    });

    test('what is removed is gone, and its neighbours stay; removing it again is fine', async () => {
      const store = await open();
      await store.create('packs/ab/1', bytes('1'));
      await store.create('packs/ab/2', bytes('2'));
      await store.remove('packs/ab/1');
      await store.remove('packs/ab/1');
      await store.remove('never/was/there');
      assert.equal(await store.read('packs/ab/1'), undefined);
      assert.deepEqual(await store.list(''), ['packs/ab/2']);
    });
  });
}
