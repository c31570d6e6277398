import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidence } from '../../../test/support/drill-evidence.ts';
import { acceptedTokens } from './accepted-tokens.ts';

const asked = (accepted: boolean) => acceptedTokens({ ...evidence([]), tokens: [{ issuer: 'cp1', verifier: 'cp1', accepted: true }, { issuer: 'cp1', verifier: 'cp2', accepted }] });

test('C-token is held where every API server accepts every token, and unknown where none was looked at', () => {
  assert.deepEqual([asked(true).state, acceptedTokens(evidence([])).state], ['held', 'unknown']);
});

test('C-token names who refused whose token', () => {
  const { state, breaches } = asked(false);
  assert.equal(state, 'broken');
  assert.deepEqual(breaches, ['a token that the API server of cp1 issued was refused by the one of cp2']);
});
