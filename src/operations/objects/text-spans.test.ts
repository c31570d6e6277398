import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hideSecrets } from '../../objects/hide-secrets.ts';
import type { JsonObject } from '../../objects/json.ts';
import { textSpans } from './text-spans.ts';

type Told = readonly [revision: number, key: string, metadata: JsonObject | undefined, more?: JsonObject];

/** "configmaps/one label app=web 5-9": what, and from and until when. */
function spans(text: string, told: readonly Told[]): readonly string[] {
  const { found, note } = textSpans(text, { encryptionKeys: new Map(), hide: hideSecrets() });
  for (const [revision, key, metadata, more] of told) note(`/registry/${key}`, { revision, time: undefined, value: metadata && Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...more })) });
  return found().map(({ resource, name, where, what, from, until }) => `${resource}/${name} ${where} ${what} ${from}-${until ?? ''}`);
}

const one = 'configmaps/shop/one';

describe('a text that is looked for', () => {
  for (const [title, text, told, expected] of [
    ['in a name, until it goes, and once more when it comes again', 'one', [[5, one, {}], [6, one, {}], [7, one, undefined], [9, one, {}]], ['configmaps/one name one 5-7', 'configmaps/one name one 9-']],
    ['in a name of other letters than those of ASCII', 'größe', [[5, Buffer.from('roles/shop/größe').toString('latin1'), {}]], ['roles/größe name größe 5-']],
    ['in a label, until its value is another one', 'web', [[5, one, { labels: { app: 'web' } }], [6, one, { labels: { app: 'web-2' } }], [7, one, { labels: { app: 'db' } }], [8, one, { labels: {} }]], ['configmaps/one label app=web 5-6', 'configmaps/one label app=web-2 6-7']],
    ['in one of two labels that stay and go on their own', 'web', [[5, one, { labels: { app: 'web', tier: 'web' } }], [6, one, { labels: { app: 'web' } }]], ['configmaps/one label app=web 5-', 'configmaps/one label tier=web 5-6']],
    ['in the name of a label', 'tier', [[5, one, { labels: { tier: 'a' } }]], ['configmaps/one label tier=a 5-']],
    ['across the name and the value of a label', 'app=web', [[5, one, { labels: { app: 'web', other: 'app' } }], [6, one, { labels: { app: 'api' } }]], ['configmaps/one label app=web 5-6']],
    ['in an annotation that JSON writes otherwise', 'a "b" <c>', [[5, one, { annotations: { note: 'said a "b" <c>' } }]], ['configmaps/one annotation note=said a "b" <c> 5-']],
    ['as it is written, capital letters too', 'Web', [[5, one, { labels: { app: 'web', tier: 'Web' } }]], ['configmaps/one label tier=Web 5-']],
    ['as a label and as an annotation', 'web', [[5, one, { labels: { app: 'web' }, annotations: { app: 'web' } }], [6, one, { annotations: { app: 'web' } }]], ['configmaps/one label app=web 5-6', 'configmaps/one annotation app=web 5-']],
    ['of each object for itself', 'one', [[6, 'secrets/other/one', {}], [5, one, {}], [7, one, undefined]], ['configmaps/one name one 5-7', 'secrets/one name one 6-']],
    ['nowhere else in an object', 'web', [[5, one, { namespace: 'web', generateName: 'web' }, { data: { app: 'web' } }]], []],
  ] as const) {
    it(`is found ${title}`, () => assert.deepEqual(spans(text, told), expected));
  }

  it('is found in the name of an object that cannot be read', () => {
    for (const value of ['k8s:enc:aesgcm:v1:new:', 'one that is no object']) {
      const { found, note } = textSpans('one', { encryptionKeys: new Map(), hide: hideSecrets() });
      note(`/registry/${one}`, { revision: 5, time: undefined, value: Buffer.from(value) });
      assert.deepEqual(found().map(({ where, what }) => `${where} ${what}`), ['name one'], value);
    }
  });

  it('is not found in what a Secret holds, though an annotation has a copy of it', () => {
    const applied = { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ data: { word: 'aHVudGVyMg==' } }) } };
    assert.deepEqual(spans('aHVudGVyMg==', [[5, 'secrets/shop/password', applied, { kind: 'Secret' }]]), []);
    assert.equal(spans('aHVudGVyMg==', [[5, one, applied]]).length, 1);
  });
});
