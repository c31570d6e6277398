import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { renderedHost, type RenderedHost } from '../../../test/support/rendered-host.ts';
import { findSetups, rivals } from './catalogue.ts';

describe('a rival set-up', () => {
  let ours: RenderedHost;
  before(async () => {
    ours = await renderedHost();
  });

  for (const { id, renderers } of rivals) {
    it(`changes the balancer and its VIP, and no certificate or key (${id})`, async () => {
      const theirs = await renderedHost({}, renderers);
      const differing = [...ours].filter(([path, { content }]) => theirs.get(path)?.content !== content).map(([path]) => path).filter((path) => !/\/pki\/.*\.(crt|key|pub)$|sealed|encryption|known_keys|cluster\.json/.test(path));
      for (const path of ['/etc/kubekeep/haproxy.cfg', '/etc/kubekeep/keepalived.conf']) assert.ok(differing.includes(path), `${path} is as ours`);
      const mayDiffer = /haproxy\.cfg|keepalived|lb-alive|vip-guard|kubekeep\/etcd\.yaml|system\/etcd\.service|system\/kube-apiserver\.service/;
      assert.deepEqual(differing.filter((path) => !mayDiffer.test(path)), []);
      assert.match(theirs.get('/etc/kubekeep/haproxy.cfg')!.content, /^backend api$/m);
    });
  }

  it('is plain where it stands for the guide', async () => {
    const guide = await renderedHost({}, findSetups(['kubeadm-guide'])[0]!.renderers);
    assert.doesNotMatch(guide.get('/etc/systemd/system/kube-apiserver.service')!.content, /shutdown-delay|goaway|Nice|CPUWeight/);
    assert.doesNotMatch(guide.get('/etc/systemd/system/etcd.service')!.content, /Nice|CPUWeight/);
    assert.match(guide.get('/etc/kubekeep/etcd.yaml')!.content, /^election-timeout: 1000$/m);
    assert.match(guide.get('/etc/kubekeep/check_apiserver.sh')!.content, /localhost:8443/);
  });

  it('is refused where nobody knows it', () => {
    assert.throws(() => findSetups(['rke2']), /no set-up rke2/);
  });
});
