import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import type { ClusterStatus } from '../../src/operations/status/cluster-status.ts';
import type { RenderedHost } from '../../src/operations/rendered-files.ts';
import { reachable, type HostFacts } from '../../src/operations/facts.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { leavesFor } from '../../src/pki/leaves.ts';
import { expectZero, kubekeep, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { webPods } from '../support/web-pods.ts';

const name = 'test-look';
/** What a node has beside the control plane: files, containers, a bridge, rules. */
const nodeRemains = `ls -d /var/lib/kubelet/* /var/lib/cni /etc/cni/net.d/* /etc/kubernetes/kubelet.conf /etc/kubernetes/pki/kube-proxy.* /etc/kubekeep/kubelet.yaml /etc/kubekeep/kube-proxy.* /etc/kubekeep/containerd.toml /etc/kubekeep/pod-network.sh /etc/systemd/system/kubelet* /etc/systemd/system/kube-proxy* /etc/systemd/system/kubekeep-pod* /etc/systemd/system/containerd.service.d 2>/dev/null
ctr --namespace k8s.io containers list -q; ip -o link show type bridge; nft list ruleset | grep -i -e kube -e 10.244; systemctl list-units --failed --no-legend; true`;

describe('looking at a cluster whose only host is a node too, and leaving it', () => {
  let made: LabCluster;
  before(async () => {
    made = await labCluster('T1', name, 'trixie', ['--kubelets']);
    await expectZero(made.run('apply', '--yes'));
  });
  after(() => made?.[Symbol.asyncDispose]());

  const status = async () => {
    const { code, stdout } = await made.run('status', '--json');
    return { code, status: (JSON.parse(stdout) as { status: ClusterStatus }).status };
  };
  /** Whoever leads is known some seconds after the parts serve. */
  const healthyStatus = async () => {
    for (let tries = 0; ; tries++) {
      const seen = await status();
      if (seen.code === 0 || tries === 20) return seen;
      await sleep(1000);
    }
  };
  const facts = async () => [...(await made.facts()).hosts.values()].filter(reachable)[0] as HostFacts;
  const onHost = async (script: string) => {
    const result = await made.hosts.get('cp1')!.run(script);
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout;
  };

  test('a healthy cluster is healthy, with exit code 0', async () => {
    const { code, status: seen } = await healthyStatus();
    assert.deepEqual(seen.degraded, []);
    assert.equal(code, 0);
    assert.deepEqual(seen.endpoint.holders, ['cp1']);
    assert.deepEqual(seen.hosts[0]!.components.map(({ condition }) => condition), ['leads', 'serves', 'leads', 'leads', 'serves', 'holds VIP', 'works', 'works', 'works']);
  });

  test('render shows the files that are on the host, byte for byte, and no secret', async () => {
    const { stdout } = await expectZero(made.run('render', '--json'));
    const [rendered] = (JSON.parse(stdout) as { hosts: RenderedHost[] }).hosts;
    const { files } = await facts();
    const differing = rendered!.files.filter(({ path, kind, content, mode, owner }) => {
      const found = files.get(path);
      return !found || found.owner !== owner || found.mode !== Number.parseInt(mode, 8) || (kind === 'file' && found.sha256 !== createHash('sha256').update(content).digest('hex'));
    });
    assert.deepEqual(differing.map(({ path }) => path), []);
    assert.doesNotMatch(stdout, /PRIVATE KEY/);
  });

  test('render and kubeconfig need no host', async () => {
    await powerOff(made.lab, 'cp1');
    const { stdout, stderr } = await expectZero(made.run('render', 'cp1', 'haproxy.cfg'));
    assert.match(stdout, /^backend api-ready$/m);
    assert.match(stderr, /cp1 cannot be asked: shown for interface eth0/);
    await expectZero(made.run('kubeconfig'));
  });

  test('a dead host is named and not waited for', async () => {
    const begin = performance.now();
    const { code, status: seen } = await status();
    assert.equal(code, 5);
    assert.ok(seen.degraded.some(({ message }) => message.startsWith('cp1 cannot be reached')), JSON.stringify(seen.degraded));
    assert.ok(performance.now() - begin < 12_000, `${Math.round(performance.now() - begin)} ms`);
    await powerOn(made.lab, 'cp1', {});
    await made.healthy();
  });

  test('kubectl works through the endpoint with a kubeconfig of its own, which is gone afterwards, and passes exit codes on', async () => {
    const { stdout } = await expectZero(kubekeep('kubectl', '--file', made.file, '--', 'get', '--raw', '/readyz'));
    assert.equal(stdout, 'ok');
    const missing = await kubekeep('kubectl', '--file', made.file, '--', 'get', 'namespace', 'nowhere');
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /"nowhere" not found/);
    assert.deepEqual((await readdir(tmpdir())).filter((entry) => entry.startsWith('kubekeep-kubectl-')), []);
  });

  test('kubectl works with a kubeconfig that was printed before, without a cluster file', async () => {
    const path = join(dirname(made.file), 'kc');
    await writeFile(path, (await expectZero(made.run('kubeconfig', '--user', 'ann'))).stdout, { mode: 0o600 });
    const { stdout } = await expectZero(kubekeep('kubectl', '--', '--kubeconfig', path, 'auth', 'whoami'));
    assert.match(stdout, /Username +ann\n/);
  });

  test('an expired serving certificate is named by status and renewed by apply', async () => {
    const host = made.cluster.hosts[0]!;
    const leaf = leavesFor(made.cluster, host).find((one) => one.name === 'apiserver')!;
    const { certificate, privateKey } = await issueLeaf(leaf, (await made.secrets()).authorities.kubernetes, { now: Date.now() - 3 * 86_400_000, days: 1 });
    await made.hosts.get('cp1')!.write([{ path: leaf.certificatePath, mode: 0o644, content: certificate }, { path: leaf.keyPath, mode: 0o600, content: privateKey.reveal() }]);
    await onHost('systemctl kill -s KILL kube-apiserver.service; sleep 8');
    const { code, status: seen } = await status();
    assert.equal(code, 5);
    assert.ok(seen.degraded.some(({ message }) => /^cp1: .*apiserver\.crt expired on/.test(message)), JSON.stringify(seen.degraded));
    await expectZero(made.run('apply', '--yes'));
    await made.healthy();
  });

  const kubectl = async (...words: string[]) => (await expectZero(kubekeep('kubectl', '--file', made.file, '--', ...words))).stdout.trim();
  const nothingToDo = async () => assert.match((await expectZero(made.run('plan'))).stdout, /: 0 changes, everything is as the cluster file says/);
  /** What serves runs on under the same process id, and its keys and data are the same. */
  const controlPlane = () => onHost(`systemctl show -p MainPID --value etcd kube-apiserver kubekeep-haproxy kubekeep-keepalived
    find /etc/kubernetes -type f ! -name 'kubelet*' ! -name 'kube-proxy*' | sort | xargs sha256sum; stat -c %i /var/lib/etcd/member/snap/db`);
  const kubeletWanted = async (wanted: boolean) => writeFile(made.file, (await readFile(made.file, 'utf8')).replace(/kubelet: (true|false)/, `kubelet: ${wanted}`));
  const nodes = () => kubectl('get', 'nodes', '-l', 'node-role.kubernetes.io/control-plane', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.spec.taints[*].key}:{.spec.taints[*].effect} {.status.conditions[?(@.type=="Ready")].status}{end}');
  const tainted = 'cp1 node-role.kubernetes.io/control-plane:NoSchedule True';

  test('the host is a node that usual pods do not come to, and the API server reaches those that do', async () => {
    await nothingToDo();
    assert.equal(await nodes(), tainted);
    const manifest = `${made.file}.web.yaml`;
    await writeFile(manifest, webPods({ service: 'selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }]', tolerant: true }));
    await kubectl('apply', '-f', manifest);
    await kubectl('rollout', 'status', 'daemonset/web', '--timeout=60s');
    const pod = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}');
    assert.equal(await kubectl('get', '--raw', `/api/v1/namespaces/default/pods/${pod}:8080/proxy/`), pod);
  });

  test('with kubelet: false the node is gone, its pods with it, and the control plane has not noticed; with kubelet: true it is back', async () => {
    const before = await controlPlane();
    await kubeletWanted(false);
    assert.match((await expectZero(made.run('apply', '--yes'))).stderr, /cp1 kubelet: leave the cluster/);
    assert.equal(await controlPlane(), before);
    assert.equal(await kubectl('get', 'nodes', '-o', 'name'), '');
    assert.equal(await onHost(nodeRemains), '');
    await nothingToDo();
    await kubeletWanted(true);
    await expectZero(made.run('apply', '--yes'));
    assert.equal(await controlPlane(), before);
    assert.equal(await nodes(), tainted);
    await nothingToDo();
  });

  test('destroy wants the name of the cluster', async () => {
    for (const flags of [[], ['--confirm', 'other']]) {
      const { code, stderr } = await made.run('destroy', ...flags);
      assert.equal(code, 3);
      assert.match(stderr, /nothing was touched/);
    }
    await made.healthy();
  });

  test('destroy leaves the data of etcd and the keys aside, and nothing else', async () => {
    const { stdout } = await expectZero(made.run('destroy', '--confirm', name));
    assert.match(stdout, /Kept on cp1: \/var\/lib\/etcd\.kubekeep-destroyed-/);
    const left = await onHost(`ls -d /etc/kubekeep /etc/kubernetes /opt/kubekeep /var/lib/kubekeep /var/lib/etcd /etc/systemd/system/*kube* /etc/systemd/system/etcd* /run/kubekeep* /etc/sysctl.d/*kubekeep* 2>/dev/null; pgrep -l 'etcd|kube|haproxy|keepalived'; ip -o addr | grep -w '${made.cluster.endpoint.vip}'; true`);
    assert.equal(left, '');
    assert.equal(await onHost(nodeRemains), '');
    assert.match(await onHost('ls /var/lib/etcd.kubekeep-destroyed-*/member/wal'), /\.wal/);
    const state = join(dirname(made.file), '.kubekeep');
    const kept = (await readdir(state)).filter((entry) => entry.startsWith(`${name}.destroyed-`));
    assert.equal(kept.length, 1);
    assert.ok((await stat(join(state, kept[0]!, 'identity'))).isFile());
  });

  test('afterwards there is no cluster, and apply builds a new one', async () => {
    const { code, status: seen } = await status();
    assert.equal(code, 5);
    assert.deepEqual(seen.degraded.map(({ message }) => message), ['the cluster has not been built']);
    await kubeletWanted(false);
    assert.match((await made.run('plan')).stdout, /a new cluster/);
    await expectZero(made.run('apply', '--yes'));
    assert.deepEqual((await healthyStatus()).status.degraded, []);
  });

  test('destroy --purge leaves no data, not even what the one before kept', async () => {
    await expectZero(made.run('destroy', '--confirm', name, '--purge'));
    assert.equal(await onHost('ls -d /var/lib/etcd* /var/log/kubernetes 2>/dev/null; true'), '');
  });
});
