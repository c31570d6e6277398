import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { readyForKubeadm } from '../support/kubeadm-cluster.ts';
import { expectZero, kubekeep, labCluster, type LabCluster } from '../support/lab-cluster.ts';

/** A web server that lets go slowly, as one should, and a headless Service. */
const shop = `apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: kubekeep.test/busybox:1
          command: [sh, -c, 'mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www']
          readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
          lifecycle: { preStop: { exec: { command: [sleep, '4'] } } }
---
apiVersion: v1
kind: Service
metadata: { name: web-pods, namespace: shop }
spec: { clusterIP: None, selector: { app: web }, ports: [{ port: 8080 }] }
`;

/** Asks without a pause on connections for twenty requests each, until it is told to stop; prints how often which pod and which status answered. */
const askAlways = (url: string) => `rm -f /run/stop-asking
while [ ! -e /run/stop-asking ]; do curl -s -m 20 -w '%{http_code} %{errormsg}\\n' '${url}?[1-20]'; done | sort | uniq -c`;

describe('a cluster with pods of one host and two workers, and a machine beside it', () => {
  let one: LabCluster;
  before(async () => {
    one = await labCluster('T1', 'test-dns', 'trixie', ['--workers', '3']);
    const text = await readFile(one.file, 'utf8');
    await writeFile(one.file, text.slice(0, text.indexOf('    - name: w3')));
    await expectZero(one.run('apply', '--yes'));
  });
  after(() => one[Symbol.asyncDispose]());

  const on = async (host: string, script: string, timeout = 60_000): Promise<string> => {
    const { exitCode, stdout, stderr } = await one.hosts.get(host)!.run(script, { timeout });
    assert.equal(exitCode, 0, `${host}: ${script}: ${stderr}`);
    return stdout.trim();
  };
  const kubectl = async (...words: string[]) => (await expectZero(kubekeep('kubectl', '--file', one.file, '--', ...words))).stdout.trim();
  const applyText = async (name: string, text: string) => {
    await writeFile(`${one.file}.${name}.yaml`, text);
    await kubectl('apply', '-f', `${one.file}.${name}.yaml`);
  };
  const nothingToDo = async () => assert.match((await expectZero(one.run('plan'))).stdout, /: 0 changes, everything is as the cluster file says/);
  const rolledOut = (namespace: string, deployment: string) => kubectl('rollout', 'status', '-n', namespace, `deployment/${deployment}`, '--timeout=120s');
  const scale = (namespace: string, deployment: string, replicas: number) => kubectl('scale', '-n', namespace, `deployment/${deployment}`, `--replicas=${replicas}`);
  const podsOf = async (namespace: string) => (await kubectl('get', 'pods', '-n', namespace, '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].restartCount}{"\\n"}{end}')).split('\n').sort();
  const untilPods = async (namespace: string, count: number) => {
    for (const end = Date.now() + 90_000; Date.now() < end; ) if ((await podsOf(namespace)).length === count) return;
    assert.fail(`${namespace} does not come to ${count} pods: ${(await podsOf(namespace)).join(', ')}`);
  };

  it('has pods that find Services by their names', async () => {
    await nothingToDo();
    await applyText('shop', shop);
    await rolledOut('shop', 'web');
    const names = (await podsOf('shop')).map((line) => line.split(' ')[0]);
    const heard = await kubectl('exec', '-n', 'shop', 'deploy/web', '--', 'sh', '-c', 'busybox wget -q -T 5 -O - http://web-pods:8080/ && busybox wget -q -T 5 -O - http://web-pods.shop.svc.cluster.local:8080/');
    for (const name of heard.split('\n')) assert.ok(names.includes(name), heard);
  });

  it('has its DNS put back as it was made, and what is the user\'s of it left', async () => {
    await kubectl('delete', 'service', '-n', 'kube-system', 'kube-dns');
    await kubectl('set', 'env', '-n', 'kube-system', 'deployment/coredns', 'BY=hand');
    await scale('kube-system', 'coredns', 3);
    await kubectl('patch', 'configmap', '-n', 'kube-system', 'coredns', '--type=json', '-p', '[{"op":"add","path":"/data/mine","value":"yes"}]');
    assert.match((await expectZero(one.run('apply', '--yes'))).stderr, /DNS for pods: install CoreDNS its Service is missing/);
    assert.equal(await kubectl('get', 'service', '-n', 'kube-system', 'kube-dns', '-o', 'jsonpath={.spec.clusterIP}'), '10.96.0.10');
    assert.equal(await kubectl('get', 'deployment', '-n', 'kube-system', 'coredns', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].env}'), '3');
    assert.equal(await kubectl('get', 'configmap', '-n', 'kube-system', 'coredns', '-o', 'jsonpath={.data.mine}'), 'yes');
    await nothingToDo();
    await kubectl('set', 'env', '-n', 'kube-system', 'deployment/coredns', 'BY=hand');
    assert.match((await one.run('plan')).stdout, /the pods of its Deployment were changed by hand/);
    await expectZero(one.run('apply', '--yes'));
    await nothingToDo();
  });

  it('has HAProxy in front of pods that come and go, and its own that are changed, also while DNS is away, without a request that fails', async () => {
    const haproxy = async (pods: number) => applyText('haproxy', (await expectZero(kubekeep('manifests', 'haproxy', '--image', 'kubekeep.test/haproxy:1', '--services', `shop/web-pods:8080,listen=80,check=/,pods=${pods}`))).stdout);
    await haproxy(8);
    await rolledOut('kubekeep-haproxy', 'kubekeep-haproxy');
    const service = await kubectl('get', 'service', '-n', 'kubekeep-haproxy', 'kubekeep-haproxy', '-o', 'jsonpath={.spec.clusterIP}');
    const asking = on('w1', askAlways(`http://${service}/`), 600_000);
    const first = await podsOf('kubekeep-haproxy');
    assert.equal(first.length, 2);

    await scale('shop', 'web', 6);
    await rolledOut('shop', 'web');
    const six = (await podsOf('shop')).map((line) => line.split(' ')[0]!);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await scale('shop', 'web', 3);
    await untilPods('shop', 3);
    assert.deepEqual(await podsOf('kubekeep-haproxy'), first, 'the same pods, without a restart');

    await scale('kube-system', 'coredns', 0);
    await kubectl('wait', '--for=delete', 'pod', '-n', 'kube-system', '-l', 'k8s-app=kube-dns', '--timeout=60s');
    await haproxy(9);
    await kubectl('wait', '--for=jsonpath={.status.unavailableReplicas}=1', '-n', 'kubekeep-haproxy', 'deployment/kubekeep-haproxy', '--timeout=60s');
    await new Promise((resolve) => setTimeout(resolve, 4000));
    for (const pod of first) assert.ok((await podsOf('kubekeep-haproxy')).includes(pod), 'a pod that serves goes for one that knows nobody');
    await scale('kube-system', 'coredns', 2);
    await rolledOut('kubekeep-haproxy', 'kubekeep-haproxy');
    await untilPods('kubekeep-haproxy', 2);
    await on('w1', 'touch /run/stop-asking');

    const answers = new Map((await asking).split('\n').map((line) => { const [count, ...words] = line.trim().split(' '); return [words.join(' '), Number(count)] as const; }));
    assert.deepEqual([...answers.keys()].filter((word) => !word.startsWith('web-')), ['200'], [...answers].join('; '));
    assert.ok(answers.get('200')! > 1000, `${answers.get('200')} requests`);
    assert.deepEqual(six.filter((name) => !answers.has(name)), [], 'each pod got some');
  });

  it('takes a machine that kubekeep does not manage, and lets go of it', async () => {
    const { address } = one.lab.machines.find(({ name }) => name === 'w3')!;
    const w3 = one.hosts.get('w3')!;
    // The cluster tells kubelets of machines as they are today; this one may be a container on a computer with version 1 of cgroups.
    const old = (await on('w3', 'test -f /sys/fs/cgroup/cgroup.controllers || echo old')) === 'old';
    await readyForKubeadm(w3, { pause: 'kubekeep.test/pause:3.10.2', flags: `--oom-score-adj=0${old ? ' --fail-cgroupv1=false --cgroup-driver=cgroupfs' : ''}` });
    const { stdout, stderr } = await expectZero(one.run('join-command', '--ttl', '10m'));
    assert.match(stderr, /the token in it ends at 20/);
    await w3.write([{ path: '/root/join', content: `${stdout}\n`, mode: 0o600 }]);
    await on('w3', `sh /root/join${old ? ' --ignore-preflight-errors=SystemVerification' : ''}; code=$?; [ ! -e /run/kubekeep-join ] && exit $code`, 240_000);

    const wrong = await one.run('hosts', 'approve', 'w3', '--address', '198.18.0.1');
    assert.equal(wrong.code, 1, wrong.stderr);
    assert.match(wrong.stderr, /not granted: the request names \S+, which is neither w3 nor 198\.18\.0\.1/);
    await expectZero(one.run('hosts', 'approve', 'w3', '--address', address));
    await kubectl('wait', '--for=jsonpath={.status.nodeInfo.kubeletVersion}', 'node/w3', '--timeout=30s');
    for (const end = Date.now() + 60_000; ; ) {
      const { code, stdout: health, stderr: why } = await kubekeep('kubectl', '--file', one.file, '--', 'get', '--raw', '/api/v1/nodes/w3/proxy/healthz');
      if (code === 0) { assert.equal(health.trim(), 'ok'); break; }
      assert.ok(Date.now() < end, why);
    }
    await nothingToDo();

    assert.match((await expectZero(one.run('hosts', 'remove', 'w3', '--yes'))).stdout, /w3 is no node of the cluster any more[^]*kubeadm reset --force/);
    await on('w3', 'kubeadm reset --force > /dev/null 2>&1', 120_000);
    assert.equal(await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'), 'w1 w2');
  });
});
