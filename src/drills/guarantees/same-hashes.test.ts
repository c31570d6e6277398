import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evidence, hashed } from '../../../test/support/drill-evidence.ts';
import type { Hashed } from '../history/record.ts';
import { sameHashes } from './same-hashes.ts';

const silent = (host: string, error = 'timed out'): Hashed => ({ kind: 'hash', host, at: 1, error });
const three = ['cp1', 'cp2', 'cp3'].map((host) => hashed(host, 1));
const cases: readonly (readonly [title: string, state: string, records: readonly Hashed[]])[] = [
  ['three members with the same hash', 'held', three],
  ['a single member', 'held', three.slice(0, 1)],
  ['the same at the second try, after a compaction came between', 'held', [hashed('cp1', 1), hashed('cp2', 1, { compactRevision: 90, hash: 8 }), hashed('cp1', 2, { revision: 120, compactRevision: 90 }), hashed('cp2', 2, { revision: 120, compactRevision: 90 })]],
  ['one that answered at the second try only', 'held', [...three.slice(0, 2), silent('cp3'), ...three]],
  ['a hash that differs', 'broken', three.with(1, hashed('cp2', 1, { hash: 8 }))],
  ['a hash that differs, beside a member that does not answer', 'broken', [hashed('cp1', 1), hashed('cp2', 1, { hash: 8 }), silent('cp3')]],
  ['a hash that differed once', 'broken', [...three.with(1, hashed('cp2', 1, { hash: 8 })), ...three.map((one) => ({ ...one, revision: 200 }))]],
  ['hashes of different revisions', 'unknown', [hashed('cp1', 1), hashed('cp2', 1, { revision: 99 })]],
  ['hashes after different compactions', 'unknown', [hashed('cp1', 1), hashed('cp2', 1, { compactRevision: 99, hash: 8 })]],
  ['a member that did not answer', 'unknown', [...three.slice(0, 2), silent('cp3')]],
  ['members that did not answer', 'unknown', [silent('cp1'), silent('cp2')]],
  ['nobody asked', 'unknown', []],
];

describe('C-hash', () => {
  for (const [title, state, records] of cases) test(`${state}: ${title}`, () => assert.equal(sameHashes(evidence(records)).state, state));

  test('names who has which hash, and who gave none and why', () => {
    assert.deepEqual(sameHashes(evidence(three.with(1, hashed('cp2', 1, { hash: 4_000_000_000 })))).breaches, ['at revision 100 cp1 has 00000007, cp2 has ee6b2800 and cp3 has 00000007']);
    assert.equal(sameHashes(evidence([...three.slice(0, 2), silent('cp3')])).found, '3 members; no hash of cp3 (timed out)');
  });
});
