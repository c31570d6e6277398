import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hideSecrets } from './hide-secrets.ts';
import { jsonText } from './json.ts';

describe('hiding what Secrets hold', () => {
  const secret = (data: Readonly<Record<string, string>>) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', annotations: { other: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"word":"aHVudGVyMg=="}}' } }, data, type: 'Opaque' });

  it('shows how long it is, and whether it is the same', () => {
    const hide = hideSecrets();
    const [one, other] = [hide(secret({ word: 'aHVudGVyMg==', same: 'aHVudGVyMg==' })), hide(secret({ word: 'b3RoZXI=' }))];
    assert.deepEqual([one['data'], other['data']], [{ word: '(hidden 1, 7 bytes)', same: '(hidden 1, 7 bytes)' }, { word: '(hidden 3, 5 bytes)' }]);
    assert.deepEqual(Object.keys(one), Object.keys(secret({})));
    assert.doesNotMatch(jsonText([one, other]), /aHVudGVyMg|hunter2|b3RoZXI/);
  });

  it('leaves everything else as it is', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { word: 'x' } };
    assert.deepEqual(hideSecrets()(map), map);
  });
});
