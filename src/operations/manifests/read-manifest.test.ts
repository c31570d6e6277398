import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { calledInFile, readManifest } from './read-manifest.ts';

const one = (name: string) => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;

describe('a manifest', () => {
  test('is read with its Lists one by one, in YAML and in JSON', () => {
    const text = `---\n${one('a')}---\n# nothing\n---\n{"kind": "List", "apiVersion": "v1", "items": [{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "b", "namespace": "a"}}]}`;
    assert.deepEqual(readManifest('x.yaml', text).objects.map(calledInFile), ['Namespace a', 'ConfigMap a/b']);
  });

  const refused: readonly (readonly [title: string, text: string, says: RegExp])[] = [
    ['that is empty', '---\n# nothing\n', /^x\.yaml is no manifest: there is no object in it$/],
    ['that is no YAML', 'a: [', /^x\.yaml is no manifest: .* at line 1/],
    ['with a word in it', `${one('a')}---\nhello`, /document 2 is no object of Kubernetes/],
    ['with something without a kind', 'apiVersion: v1', /document 1 has no apiVersion or no kind/],
    ['with something without a name', 'kind: List\napiVersion: v1\nitems: [{ kind: Pod, apiVersion: v1 }]', /document 1, item 1, a Pod, has no metadata\.name/],
    ['with something twice', `${one('a')}---\n${one('a')}`, /Namespace a is in it twice/],
  ];
  for (const [title, text, says] of refused) test(`${title} is refused`, () => assert.throws(() => readManifest('x.yaml', text), { code: 'usage', message: says }));
});
