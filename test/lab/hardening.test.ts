import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../../src/hosts/host.ts';
import { hostDesign } from '../../src/render/host-design.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, kubekeep, labCluster, type LabCluster } from '../support/lab-cluster.ts';

/** The table of docs/reference/hardening.md. */
const stated = [...readFileSync(fromRepository('docs/reference/hardening.md'), 'utf8').matchAll(/^\| `([\w-]+\.service)` \| (\w+) \| (.*) \| ([\d.]+) \|$/gm)].map(([, unit = '', user = '', capabilities = '', level = '']) => ({
  unit,
  user,
  capabilities: [...capabilities.matchAll(/CAP_\w+/g)].map(([name]) => name.toLowerCase()),
  level: Number(level),
}))
  // It wants a bucket: test/lab/backup-s3.test.ts.
  .filter(({ unit }) => unit !== 'kubekeep-keeper.service');

describe('the services of a host', () => {
  let it1: LabCluster;
  let host: Host;
  before(async () => {
    it1 = await labCluster('T1', 'test-hardening');
    host = it1.hosts.get('cp1')!;
    await expectZero(it1.run('apply', '--yes'));
  });
  after(() => it1?.[Symbol.asyncDispose]());

  const on = async (script: string) => {
    const { exitCode, stdout, stderr } = await host.run(script);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };

  it('are all in the table', async () => {
    const secrets = await it1.secrets();
    const facts = { vipInterface: 'host0', virtualRouterId: 1, openFiles: 65536, etcdInitialState: 'new', containers: { cgroups: 2, nested: false, resolvConf: '/etc/resolv.conf' }, podNetworks: undefined } as const;
    const units = hostDesign({ cluster: it1.cluster, host: it1.cluster.hosts[0]!, secrets, sealed: '', facts }).flatMap(({ unit, companions = [] }) => (unit ? [unit, ...companions] : []));
    assert.deepEqual(stated.map(({ unit }) => unit).toSorted(), units.toSorted());
  });

  it('are not more exposed than the table says', async () => {
    const measured = JSON.parse(await on('systemd-analyze security --json=short --no-pager')) as readonly { readonly unit: string; readonly exposure: string }[];
    const exposure = new Map(measured.map(({ unit, exposure: level }) => [unit, Number(level)]));
    assert.ok(exposure.get('ssh.service')! > 9, 'an ordinary service is exposed');
    for (const { unit, level } of stated) assert.ok(exposure.get(unit)! <= level, `${unit}: ${exposure.get(unit)}, stated ${level}`);
  });

  for (const { unit, user, capabilities } of stated) {
    it(`${unit} runs as ${user} with ${capabilities.join(', ') || 'no capability'}, and may not gain more`, async () => {
      const processes = (await on(`for p in $(cat "/sys/fs/cgroup$(systemctl show -p ControlGroup --value ${unit})/cgroup.procs"); do echo "$(stat -c %U /proc/$p) $(grep -E '^(Cap(Prm|Eff|Bnd)|NoNewPrivs)' /proc/$p/status | tr -d '\\n')"; done`)).split('\n');
      const mask = capabilities.reduce((bits, name) => bits | (1n << BigInt(capabilityNumbers[name]!)), 0n).toString(16).padStart(16, '0');
      const held = user === 'root' ? mask : '0'.repeat(16);
      for (const line of processes) assert.equal(line, `${user} CapPrm:\t${held}CapEff:\t${held}CapBnd:\t${mask}NoNewPrivs:\t1`);
    });
  }

  it('cannot read private keys but those that systemd hands to them', async () => {
    for (const user of ['etcd', 'kubernetes', 'haproxy']) {
      const read = await on(`find /etc/kubernetes -name '*.key' -o -name encryption.yaml -o -name '*.conf' | while read -r f; do setpriv --reuid ${user} --regid ${user} --init-groups cat "$f" > /dev/null 2>&1 && echo "$f"; done; true`);
      assert.equal(read, '', user);
      const others = await on(`setpriv --reuid ${user} --regid ${user} --init-groups find /run/credentials /var/lib/etcd /var/log/kubernetes -type f -readable 2>/dev/null; true`);
      const own = { etcd: /^\/(run\/credentials\/etcd\.service|var\/lib\/etcd)\//, kubernetes: /^\/(run\/credentials\/kube-[a-z-]+\.service|var\/log\/kubernetes)\//, haproxy: /^$/ }[user]!;
      assert.deepEqual(others.split('\n').filter((path) => path !== '' && !own.test(path)), [], user);
    }
  });

  it('survive a reload: keepalived keeps its process and the time that a real-time task may take', async () => {
    const limit = `p=$(cat /run/kubekeep-keepalived/vrrp.pid); echo $p $(grep 'realtime timeout' /proc/$p/limits) $(ps -o cls= -p $p)`;
    const before = await on(limit);
    assert.match(before, /^\d+ Max realtime timeout 100000 200000 us RR$/);
    await on('systemctl reload kubekeep-keepalived && sleep 2');
    assert.equal(await on(limit), before);
  });

  it('work: the API is ready in all its parts, its events and leases are written, the VIP answers', async () => {
    const { stdout } = await expectZero(kubekeep('kubectl', '--file', it1.file, '--', 'get', '--raw', '/readyz?verbose'));
    assert.match(stdout, /\[\+\]etcd ok\n[\s\S]*readyz check passed/);
    const leases = await expectZero(kubekeep('kubectl', '--file', it1.file, '--', 'get', 'leases', '-n', 'kube-system'));
    assert.match(leases.stdout, /kube-controller-manager +\S+_/);
    assert.match(leases.stdout, /kube-scheduler +\S+_/);
  });

  it('leave no word of a refused system call or permission in their journals', async () => {
    const journal = await on(`journalctl --no-pager -o cat ${stated.map(({ unit }) => `-u ${unit}`).join(' ')} | grep -iE 'operation not permitted|permission denied|read-only file system|bad system call|status=31' | head; true`);
    assert.equal(journal, '');
  });
});

const capabilityNumbers: Readonly<Record<string, number>> = { cap_net_admin: 12, cap_net_raw: 13, cap_sys_nice: 23 };
