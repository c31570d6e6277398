import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { captureOf, decryptLarge, decryptObject, encryptObject, hashOf, type ObjectKey } from './encrypted-object.ts';

const repository = randomBytes(16);
const key: ObjectKey = { scope: 'data', capture: randomBytes(16), key: randomBytes(32) };
const context = { repository, kind: 'pack' } as const;
const named = { ...context, name: 'packs/ab/abc' };

describe('an encrypted object', () => {
  for (const length of [0, 1, 4096, 5_000_000]) {
    it(`of ${length} bytes comes back as it was`, async () => {
      const plain = Buffer.concat([randomBytes(Math.min(length, 5000)), Buffer.alloc(Math.max(0, length - 5000), 7)]);
      const stored = encryptObject(plain, context, key);
      assert.deepEqual([decryptObject(stored, named, key), await decryptLarge(stored, named, key)], [plain, plain]);
      assert.equal(captureOf(stored, 'x'), Buffer.from(key.capture).toString('hex'));
    });
  }

  it('never has the same bytes twice, and so never the same name', () => {
    const plain = Buffer.from('the same');
    assert.notEqual(hashOf(encryptObject(plain, context, key)), hashOf(encryptObject(plain, context, key)));
  });

  it('shows nothing of what is in it', () => {
    const stored = encryptObject(Buffer.from('canary '.repeat(100)), context, key);
    assert.equal(stored.includes('canary'), false);
  });

  it('does not open with any one bit changed, nor cut or longer', () => {
    const stored = encryptObject(Buffer.from('every bit counts'), context, key);
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const changed = Buffer.from(stored);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => decryptObject(changed, named, key), { code: 'repository-damaged', message: /^packs\/ab\/abc: / }, `bit ${bit}`);
    }
    for (const other of [stored.subarray(0, -1), stored.subarray(0, 40), Buffer.alloc(0), Buffer.concat([stored, Buffer.alloc(1)])]) {
      assert.throws(() => decryptObject(other, named, key), { code: 'repository-damaged' });
    }
  });

  const others: readonly { readonly title: string; readonly open: (stored: Buffer) => unknown }[] = [
    { title: 'as another kind', open: (stored) => decryptObject(stored, { ...named, kind: 'index' }, key) },
    { title: 'in another repository', open: (stored) => decryptObject(stored, { ...named, repository: randomBytes(16) }, key) },
    { title: 'with another key', open: (stored) => decryptObject(stored, named, { ...key, key: randomBytes(32) }) },
    { title: 'as one of another capture', open: (stored) => decryptObject(stored, named, { ...key, capture: randomBytes(16) }) },
    { title: 'in another scope', open: (stored) => decryptObject(stored, named, { ...key, scope: 'escrow' }) },
  ];
  for (const { title, open } of others) {
    it(`does not open ${title}`, () => {
      assert.throws(() => open(encryptObject(Buffer.from('text'), context, key)), { code: 'repository-damaged' });
    });
  }
});
