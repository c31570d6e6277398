import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { apiAt } from '../../src/operations/clients.ts';
import { cordonedAnnotation } from '../../src/operations/look-at-nodes.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { askedLabel, extensionPath, extensionPods, refusedName } from '../support/extension-pods.ts';
import { expectZero, kubekeep, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { webPods } from '../support/web-pods.ts';

/** A web server of two pods, one a worker where both are there. */
const web = webPods({ spread: 'ScheduleAnyway', service: 'selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }]' });

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP: string };
}

describe('a cluster of three hosts and two workers', () => {
  let one: LabCluster;
  before(async () => {
    one = await labCluster('T3', 'test-workers', 'trixie', ['--workers', '2']);
    await expectZero(one.run('apply', '--yes'));
  });
  after(() => one[Symbol.asyncDispose]());

  const on = async (host: string, script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await one.hosts.get(host)!.run(script, { timeout: 60_000 });
    assert.equal(exitCode, 0, `${host}: ${script}: ${stderr}`);
    return stdout.trim();
  };
  const kubectl = async (...words: string[]) => (await expectZero(kubekeep('kubectl', '--file', one.file, '--', ...words))).stdout.trim();
  const podsOfWeb = async () => (JSON.parse(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'json')) as { items: readonly Pod[] }).items;
  const nothingToDo = async () => assert.match((await expectZero(one.run('plan'))).stdout, /: 0 changes, everything is as the cluster file says/);
  const nodes = () => kubectl('get', 'nodes', '-o', `jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {.spec.unschedulable}{"\\n"}{end}`);

  it('has them as nodes that are ready, with certificates that were asked for and granted, and without a token that still opens something', async () => {
    assert.equal(await nodes(), 'w1 True \nw2 True');
    assert.equal(await kubectl('get', 'secrets', '--namespace', 'kube-system', '--field-selector', 'type=bootstrap.kubernetes.io/token', '-o', 'name'), '');
    assert.equal(await on('w1', 'ls /run/kubekeep-join /etc/kubernetes/bootstrap-kubelet.conf 2>/dev/null || true'), '');
    await nothingToDo();
    await untilStatus(0, /CONTAINERD +KUBELET +KUBE-PROXY[\s\S]*w2 .* works +works +works/);
  });

  it('runs pods on both, which reach each other and the Service; the API server reaches them and their kubelets', async () => {
    const manifest = `${one.file}.web.yaml`;
    await writeFile(manifest, web);
    await kubectl('apply', '-f', manifest);
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    const pods = await podsOfWeb();
    assert.deepEqual(pods.map(({ spec }) => spec.nodeName).sort(), ['w1', 'w2']);
    const service = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
    const wanted = pods.map(({ metadata }) => metadata.name).sort();
    for (const { metadata: { name } } of pods) {
      const ask = (url: string) => `busybox wget -q -T 5 -O - http://${url}/`;
      const direct = await kubectl('exec', name, '--', 'sh', '-c', pods.map(({ status }) => ask(`${status.podIP}:8080`)).join('; '));
      assert.deepEqual(direct.split('\n').sort(), wanted);
      // Which pod answers is drawn: in 30 draws both do.
      const drawn = await kubectl('exec', name, '--', 'sh', '-c', `for i in $(busybox seq 30); do ${ask(service)}; done`);
      assert.deepEqual([...new Set(drawn.split('\n'))].sort(), wanted);
      assert.equal(await kubectl('get', '--raw', `/api/v1/namespaces/default/pods/${name}:8080/proxy/`), name);
    }
  });

  it('has every API server ask pods, for a webhook and for an API of their own, with each host of the control plane down in turn', async () => {
    const { authorities } = await one.secrets();
    const leaf = await issueLeaf({ name: 'extension', authority: 'kubernetes', commonName: 'extension', organizations: [], dnsNames: ['extension.default.svc'], addresses: [], usages: ['server'] }, authorities.kubernetes, { now: Date.now(), days: 1 });
    const frontProxy = await kubectl('get', 'configmap', '-n', 'kube-system', 'extension-apiserver-authentication', '-o', 'jsonpath={.data.requestheader-client-ca-file}');
    const manifest = `${one.file}.extension.json`;
    await writeFile(manifest, extensionPods({ leaf, authority: authorities.kubernetes.certificate, frontProxy }));
    assert.match((await expectZero(one.run('apply', '--yes', '--manifest', manifest))).stdout, /0 changes made, 5 objects of manifests applied/);
    await kubectl('rollout', 'status', 'deployment/extension', '--timeout=60s');
    const names = one.cluster.hosts.filter(({ roles }) => roles.includes('control-plane')).map(({ name }) => name);
    for (const down of names) {
      await powerOff(one.lab, down);
      for (const name of names.filter((other) => other !== down)) await untilAsked(name);
      await powerOn(one.lab, down);
      await untilAsked(down);
      await one.healthy();
    }
    assert.equal(await kubectl('get', 'things', '-o', 'name'), `thing.extension.test/${await kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}')}`);
    await kubectl('delete', '-f', manifest);
    await untilStatus(5, /Secret default\/extension and 4 more of manifest \S+ are gone/);
  });

  /** What is asked within seconds may not answer on a computer that has much to do. */
  async function untilStatus(code: number, says: RegExp): Promise<void> {
    for (const end = Date.now() + 90_000; ; ) {
      const status = await one.run('status');
      if (status.code === code && says.test(status.stdout)) return;
      assert.ok(Date.now() < end, `exit code ${status.code}: ${status.stdout}`);
    }
  }

  /** The API server of this host gets answers of both from the pods. */
  async function untilAsked(name: string): Promise<void> {
    const api = await apiAt(one.cluster.hosts.find((host) => host.name === name)!.address, 6443, one.hosts.get(name)!, await one.secrets(), Date.now());
    const judged = (object: string) => api.post('/api/v1/namespaces/default/configmaps?dryRun=All', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: object, labels: { [askedLabel]: 'yes' } } }).then(() => 'taken', (error: Error) => error.message);
    try {
      for (const end = Date.now() + 60_000; ; await systemClock.sleep(200)) {
        const things = await api.get<{ items: readonly { metadata: { name: string } }[] }>(extensionPath).then(({ items }) => items[0]!.metadata.name, (error: Error) => error.message);
        const words = [things, await judged('wanted'), await judged(refusedName)];
        if (words[0] === 'kubekeep' && words[1] === 'taken' && /judge\.extension\.test.* denied the request: the extension does not want it/.test(words[2]!)) return;
        assert.ok(Date.now() < end, `${name}: ${words.join('; ')}`);
      }
    } finally {
      api.close();
    }
  }

  it('has a worker emptied before its kubelet restarts, and open again afterwards', async () => {
    await on('w1', 'echo "# by hand" >> /etc/kubekeep/kubelet.yaml; systemctl stop kube-proxy; systemctl disable -q kubekeep-pod-network');
    const { stderr } = await expectZero(one.run('apply', '--yes'));
    assert.match(stderr, /w1 (a pod moves|\d pods move) to other workers[\s\S]*w1 kubelet: restart[\s\S]*w1 kube-proxy: start[\s\S]*w1 pod-network: start at boot/);
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    assert.deepEqual((await podsOfWeb()).map(({ spec }) => spec.nodeName), ['w2', 'w2']);
    assert.equal(await nodes(), 'w1 True \nw2 True');
    await nothingToDo();
  });

  it('has a worker opened again that an apply which was cut has closed', async () => {
    await kubectl('cordon', 'w1');
    await kubectl('annotate', 'node', 'w1', `${cordonedAnnotation}=apply`);
    assert.match((await expectZero(one.run('apply', '--yes'))).stderr, /w1 kubelet: open its node for pods again/);
    assert.equal(await nodes(), 'w1 True \nw2 True');
    await nothingToDo();
  });

  it('refuses a worker that is a node of somebody else, and a file that forgets one, before anything changes', async () => {
    await on('w1', 'mv /etc/kubekeep/cluster.json /root/');
    const foreign = await one.run('apply', '--yes');
    assert.equal(foreign.code, 3, foreign.stderr);
    assert.match(foreign.stderr, /w1 is a node of another cluster: its kubelet has a certificate that did not come from here/);
    await on('w1', 'mv /root/cluster.json /etc/kubekeep/');
    const text = await readFile(one.file, 'utf8');
    await writeFile(one.file, text.slice(0, text.indexOf('    - name: w2')));
    const forgotten = await one.run('apply', '--yes');
    await untilStatus(5, /w2 is a node of the cluster and not in the cluster file any more/);
    await writeFile(one.file, text);
    assert.equal(forgotten.code, 3, forgotten.stderr);
    assert.match(forgotten.stderr, /w2 is a node of the cluster and not in the cluster file any more/);
    await nothingToDo();
  });

  it('lets go of a worker, whose pods go to the other one, and takes it back; where nothing would make one of them again, only when told to', async () => {
    // The first host answers, and its API server does not.
    await on('cp1', 'systemctl stop --no-block kube-apiserver; systemctl kill -s KILL kube-apiserver');
    await kubectl('run', 'lone', '--image', 'kubekeep.test/busybox:1', '--overrides', '{"spec":{"nodeName":"w2","terminationGracePeriodSeconds":1}}', '--command', '--', 'busybox', 'sleep', '3600');
    const refused = await one.run('hosts', 'remove', 'w2', '--yes');
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /w2 keeps its pods: pod default\/lone has no controller/);
    assert.equal(await nodes(), 'w1 True \nw2 True');
    assert.match((await expectZero(one.run('hosts', 'remove', 'w2', '--yes', '--delete-lone-pods'))).stdout, /w2 is no node of the cluster any more, and nothing of it is left there/);
    assert.equal(await nodes(), 'w1 True');
    await assertClean('w2');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    assert.deepEqual((await podsOfWeb()).map(({ spec }) => spec.nodeName), ['w1', 'w1']);
    await expectZero(one.run('apply', '--yes'));
    assert.equal(await nodes(), 'w1 True \nw2 True');
    await nothingToDo();
  });

  it('gives a node that was deleted its pods again, whatever network they get then, and one whose certificate ran out a new one', async () => {
    const answers = async () => {
      await kubectl('delete', 'pods', '-l', 'app=web', '--wait=true');
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
      const pods = await podsOfWeb();
      assert.deepEqual(pods.map(({ spec }) => spec.nodeName).sort(), ['w1', 'w2']);
      for (const { status: { podIP } } of pods) for (const from of ['w1', 'w2', 'cp1']) assert.match(await on(from, `curl -sf -m 5 http://${podIP}:8080/`), /^web-/);
    };
    const network = () => kubectl('get', 'node', 'w2', '-o', 'jsonpath={.spec.podCIDR}');
    const before = await network();
    await kubectl('delete', 'node', 'w2');
    await expectZero(one.run('apply', '--yes'));
    assert.notEqual(await network(), before);
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
    for (const { status: { podIP } } of await podsOfWeb()) assert.match(await on('cp1', `curl -sf -m 5 http://${podIP}:8080/`), /^web-/);
    await answers();
    await nothingToDo();

    const began = Date.now() - 400 * 86_400_000;
    const { authorities } = await one.secrets();
    const { certificate, privateKey } = await issueLeaf({ name: 'w2', authority: 'kubernetes', usages: ['client'], commonName: 'system:node:w2', organizations: ['system:nodes'], dnsNames: [], addresses: [] }, authorities.kubernetes, { now: began, days: 365 });
    await on('w2', 'systemctl stop kubelet; rm /var/lib/kubelet/pki/*');
    await one.hosts.get('w2')!.write([{ path: '/var/lib/kubelet/pki/kubelet-client-current.pem', mode: 0o600, content: `${certificate}${privateKey.reveal()}` }]);
    await on('w2', 'systemctl start --no-block kubelet');
    assert.match((await expectZero(one.run('apply', '--yes'))).stderr, /w2 kubelet: join the cluster with kubeadm/);
    await answers();
    await nothingToDo();
  });

  it('leaves nothing on them when it is destroyed', async () => {
    await expectZero(one.run('destroy', '--confirm', one.cluster.name));
    await Promise.all(['w1', 'w2'].map(assertClean));
    assert.equal(await on('cp1', 'ip route show proto 98; ls /etc/kubekeep 2>/dev/null || true'), '');
  });

  /** No container runs, and nothing of a cluster is on the disk, in the network or in the packet filter; containerd is as the distribution has it. */
  async function assertClean(worker: string): Promise<void> {
    assert.equal(await on(worker, 'ctr --namespace k8s.io containers list -q; ip route show proto 98; ip -o link show type bridge; ip -o link show type veth | grep -v host0; nft list ruleset | grep -i -e kube -e 10.244 || true'), '');
    assert.equal(await on(worker, 'ls -d /etc/kubernetes /etc/kubekeep /opt/kubekeep /var/lib/kubekeep /var/lib/cni /etc/cni/net.d/* /var/lib/kubelet/* /etc/systemd/system/kube* /etc/systemd/system/containerd.service.d 2>/dev/null || true'), '');
    assert.equal(await on(worker, 'systemctl is-active containerd; systemctl list-units --failed --no-legend'), 'active');
  }
});
