import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { kubeconfig } from '../../render/kubeconfig.ts';
import { refuseUnfit, withContext, withoutContexts } from './kubeconfig-contexts.ts';

const of = (name: string) => kubeconfig({ cluster: name, server: 'https://127.0.0.1:1', authority: { pem: 'CA' }, user: name, context: name, credentials: { certificate: 'C', key: 'K' } });
const own = `# Mine.
apiVersion: v1
kind: Config
clusters:
- cluster: {server: https://prod.example:6443}
  name: prod
contexts:
- context: {cluster: prod, user: ann} # every day
  name: prod
current-context: prod
users:
- name: ann
  user: {token: secret}
`;

describe('a context of the past in a kubeconfig', () => {
  const added = withContext(own, { name: 'prod@14:02', kubeconfig: of('prod@14:02'), process: 7 });

  it('stands beside what was there, and nothing is changed of that', () => {
    const { clusters, contexts, users, 'current-context': current } = parse(added);
    assert.deepEqual([clusters, contexts, users].map((list) => list.map((one: { readonly name: string }) => one.name)), [['prod', 'prod@14:02'], ['prod', 'prod@14:02'], ['ann', 'prod@14:02']]);
    assert.deepEqual([current, contexts[1].context.user, clusters[1].cluster.server], ['prod', 'prod@14:02', 'https://127.0.0.1:1']);
    assert.match(added, /^# Mine\.\n[^]*# every day\n/);
  });

  it('is taken out with its cluster and its user when its process is gone, and no other', () => {
    const two = withContext(added, { name: 'prod@14:03', kubeconfig: of('prod@14:03'), process: 8 });
    assert.deepEqual(parse(withoutContexts(two, (one) => one === 8)!), parse(added));
    assert.deepEqual(parse(withoutContexts(two, () => true)!), parse(own));
    assert.equal(withoutContexts(two, () => false), undefined);
    assert.equal(withoutContexts(own, () => true), undefined);
    assert.equal(parse(withoutContexts(added.replace('current-context: prod', 'current-context: prod@14:02'), () => true)!)['current-context'], '');
  });

  for (const [title, text] of [['a file that is not there', ''], ['an empty one of kubectl', 'apiVersion: v1\nkind: Config\nclusters: null\ncontexts: []\nusers: null\npreferences: {}\n']] as const) {
    it(`makes ${title} one`, () => {
      assert.deepEqual(parse(withContext(text, { name: 'a', kubeconfig: of('a'), process: 7 })).contexts.map((one: { readonly name: string }) => one.name), ['a']);
    });
  }

  for (const [title, text, message] of [
    ['one of that name', own, /it has "prod" among its clusters already/],
    ['no kubeconfig', 'hello', /no kubeconfig/],
    ['broken YAML', 'kind: Config\n  a: [', /no kubeconfig/],
  ] as const) {
    it(`is refused beside ${title}`, () => {
      assert.throws(() => refuseUnfit(text, 'prod'), { code: 'usage', message });
      assert.throws(() => withContext(text, { name: 'prod', kubeconfig: of('prod'), process: 7 }), { code: 'usage', message });
    });
  }
});
