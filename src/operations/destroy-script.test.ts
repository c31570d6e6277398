import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { aHost, aService, cluster, now } from '../../test/support/example-cluster.ts';
import { createSecrets } from '../pki/secrets.ts';
import { hostDesign } from '../render/host-design.ts';
import { shownFiles } from '../render/shown-file.ts';
import { destroyScript, destroyTimeout, etcdDataScript, forgetLockScript, removedPaths } from './destroy-script.ts';
import { leaveNodeScript, leavePodNetworkScript } from './leave-script.ts';

const script = (purge: boolean) => destroyScript({ token: 'abc', time: '2026-11-23T12-00-00Z', purge, vips: ['10.0.0.100'] });

/** Runs what is done with etcd's data where this was put aside before: paths that are said to be kept, and files that are left. */
function dataAfter({ purge, mounted, aside }: { readonly purge: boolean; readonly mounted: boolean; readonly aside: readonly string[] }): { readonly kept: string[]; readonly left: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'kubekeep-destroy-'));
  try {
    for (const path of ['etcd', ...aside, 'etcd-of-mine']) {
      mkdirSync(join(folder, path, 'member'), { recursive: true });
      writeFileSync(join(folder, path, 'member/db'), 'data');
    }
    const text = `mountpoint() { ${mounted}; }\n${etcdDataScript(purge, '/var/lib/etcd.kubekeep-destroyed-2026-11-23T12-00-00Z')}`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', text.replaceAll('/var/lib', folder)], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const kept = stdout.split('\n').filter((line) => line !== '').map((line) => line.replace(`kept ${folder}/`, ''));
    return { kept, left: readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('/db')).sort() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

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
    assert.match(script(false), /mv -T \/var\/lib\/etcd \/var\/lib\/etcd\.kubekeep-destroyed-2026/);
    assert.doesNotMatch(script(false), /rm -rf \/var\/lib\/etcd/);
    assert.match(script(true), /rm -rf \/var\/lib\/etcd/);
  });

  for (const mounted of [false, true]) {
    const here = mounted ? 'on a file system of its own' : 'in a folder';
    const inside = mounted ? ['etcd/before-restore-1', 'etcd/restoring', 'etcd/etcd.aside-20261101T000000Z', 'etcd/etcd.kubekeep-destroyed-0'] : [];
    const aside = ['etcd.aside-20261101T000000Z', 'etcd.before-restore-1', 'etcd.kubekeep-destroyed-0', 'etcd.restoring', ...inside];
    const now = mounted ? 'etcd/etcd.kubekeep-destroyed-2026-11-23T12-00-00Z' : 'etcd.kubekeep-destroyed-2026-11-23T12-00-00Z';

    test(`names every copy of etcd's data that stays, ${here}`, () => {
      const { kept, left } = dataAfter({ purge: false, mounted, aside });
      assert.deepEqual(kept.sort(), [...aside, now].sort());
      assert.ok(aside.every((path) => left.includes(`${path}/member/db`)), left.join(' '));
      assert.ok(left.includes(`${now}/member/db`));
    });

    test(`leaves no copy of it when it is told to purge, ${here}, and nothing of somebody else`, () => {
      assert.deepEqual(dataAfter({ purge: true, mounted, aside }), { kept: [], left: ['etcd-of-mine/member/db'] });
    });
  }

  test('has more time than what it waits for', () => {
    const waits = [...script(true).matchAll(/\btimeout (\d+) /g)].map(([, seconds]) => Number(seconds));
    assert.ok(destroyTimeout >= (waits.reduce((sum, seconds) => sum + seconds, 0) + 60) * 1000, `${waits.join(' s + ')} s`);
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
