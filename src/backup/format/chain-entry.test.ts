import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { decodeEntry, encodeEntry, entryKinds, entryName, isSignedBy, type ChainEntry, type EntryKind } from './chain-entry.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const entry: ChainEntry & { readonly kind: EntryKind } = { number: 4711, previous: randomBytes(32).toString('hex'), epoch: 3, writer: randomBytes(16).toString('hex'), catalog: 4700, kind: 'base', body: randomBytes(50) };
const name = entryName(entry.number);

describe('an entry of the chain', () => {
  for (const kind of Object.keys(entryKinds) as EntryKind[]) {
    it(`of kind ${kind} comes back as it was`, () => {
      const bytes = encodeEntry({ ...entry, kind }, privateKey);
      assert.deepEqual(decodeEntry(bytes, name), { ...entry, kind });
      assert.ok(isSignedBy(bytes, publicKey));
    });
  }

  it('names are in the order of numbers', () => {
    const numbers = [1, 9, 10, 15, 16, 255, 4096, 2 ** 40, Number.MAX_SAFE_INTEGER];
    assert.deepEqual(numbers.map(entryName).sort(), numbers.map(entryName));
  });

  it('has no bit that could be changed', () => {
    const bytes = encodeEntry(entry, privateKey);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(isSignedBy(changed, publicKey), false, `bit ${bit}`);
    }
  });

  it('of another writer is not signed by this one', () => {
    assert.equal(isSignedBy(encodeEntry(entry, generateKeyPairSync('ed25519').privateKey), publicKey), false);
  });

  it('under the name of another one, cut or of an unknown kind is refused', () => {
    const bytes = encodeEntry(entry, privateKey);
    const refused = (message: RegExp) => ({ code: 'repository-damaged', message });
    assert.throws(() => decodeEntry(bytes, entryName(4712)), refused(/^chain\/0*1268: it is entry 4711/));
    assert.throws(() => decodeEntry(bytes.subarray(0, -1), name), refused(/length/));
    assert.throws(() => decodeEntry(Buffer.alloc(10), name), refused(/no entry/));
    const unknown = Buffer.from(bytes);
    unknown[76] = 99;
    assert.throws(() => decodeEntry(unknown, name), refused(/newer kubekeep/));
    unknown[76] = 127;
    assert.throws(() => decodeEntry(unknown, name), refused(/newer kubekeep/));
    unknown[76] = 128;
    assert.equal(decodeEntry(unknown, name).kind, 'unknown');
  });
});
