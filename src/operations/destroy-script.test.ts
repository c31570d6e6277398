import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { aHost, aService, cluster, now } from '../../test/support/example-cluster.ts';
import { createSecrets } from '../pki/secrets.ts';
import { hostDesign } from '../render/host-design.ts';
import { shownFiles } from '../render/shown-file.ts';
import { destroyScript, forgetLockScript, removedPaths } from './destroy-script.ts';
import { leaveNodeScript, leavePodNetworkScript } from './leave-script.ts';

const script = (purge: boolean) => destroyScript({ token: 'abc', time: '2026-11-23T12-00-00Z', purge, vips: ['10.0.0.100'] });

describe('destroy', () => {
  for (const [title, host] of [['a host of the control plane', aHost()], ['a worker', aHost({ name: 'w1', roles: ['worker'] })], ['a host of the control plane that is a node', aHost({ kubelet: true })]] as const) test(`removes everything that apply puts on ${title}`, async () => {
    const facts = { vipInterface: 'eth0', virtualRouterId: 1, openFiles: 65536, etcdInitialState: 'new' as const, containers: { cgroups: 2 as const, nested: false, resolvConf: '/etc/resolv.conf' }, podNetworks: new Map([['w1', '10.244.0.0/24'], ['cp1', '10.244.1.0/24']]) };
    const designs = hostDesign({ cluster: { ...cluster, services: [aService({ listen: { vip: '10.0.0.101', port: 443 } })], hosts: [aHost(), aHost({ name: 'w1', roles: ['worker'] })] }, host, secrets: await createSecrets('prod', now), sealed: '', facts });
    const gone = [...removedPaths, '/etc/kubekeep', '/var/lib/kubekeep'];
    const units = designs.flatMap(({ unit, companions = [] }) => (unit ? [unit, ...companions] : []));
    const left = shownFiles(designs).map(({ path }) => path).filter((path) => !gone.some((one) => path === one || path.startsWith(`${one}/`)) && !units.some((unit) => path === `/etc/systemd/system/${unit}`));
    assert.deepEqual(left, []);
    for (const unit of units) assert.match(script(false), new RegExp(`\\b${unit}`));
    for (const { content } of shownFiles(designs).filter(({ path }) => path.endsWith('.service'))) assert.match(content, /\(kubekeep\)/, 'a unit of ours is known by its description');
  });

  test('keeps the data of etcd aside unless it is told to purge', () => {
    assert.match(script(false), /mv -T \/var\/lib\/etcd "\$K"/);
    assert.doesNotMatch(script(false), /rm -rf \/var\/lib\/etcd/);
    assert.match(script(true), /rm -rf \/var\/lib\/etcd/);
  });

  test('and the end of a node leave what is not the kubelet\'s to their own steps: kubeadm sees neither PKI nor etcd\'s data', () => {
    for (const text of [script(false), leaveNodeScript('abc')]) {
      const runs = text.split('\n').filter((line) => /\breset /.test(line));
      assert.equal(runs.length, 1);
      assert.match(runs[0]!, /unshare --mount sh -c 'mount -t tmpfs tmpfs \/etc\/kubernetes && exec "\$0" reset phase cleanup-node /);
    }
    for (const path of ['/var/lib/etcd', '/etc/kubernetes/pki ', '/var/lib/kubekeep/']) assert.ok(!leaveNodeScript('abc').split('\n').some((line) => /\brm\b/.test(line) && line.includes(path)), path);
  });

  test('does nothing without the lock, and checks it before anything else', () => {
    assert.match(script(false).split('\n')[0]!, /exit 75$/);
  });

  for (const [title, text] of [['keeping', script(false)], ['purging', script(true)], ['forgetting the lock', forgetLockScript], ['leaving', leaveNodeScript('abc')], ['leaving without routes', leavePodNetworkScript('abc')]] as const) {
    test(`${title}: the script is one that sh understands`, () => {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  }
});
