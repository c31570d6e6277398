import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectEtcd, type EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { kubeadmCluster, type KubeadmCluster } from '../support/kubeadm-cluster.ts';
import { expectZero, kubekeep, startKubekeep } from '../support/lab-cluster.ts';

const canary = 'canary-3b90d7';

describe('backups of a cluster that kubeadm made, by its etcd certificates alone', () => {
  let cluster: KubeadmCluster;
  let folder: string;
  let file: string;
  let etcd: EtcdClient;
  let made: string;
  const run = (...words: readonly string[]) => kubekeep(...words, '--file', file);
  const kubectl = (words: string) => cluster.run('node1', `kubectl --kubeconfig /etc/kubernetes/admin.conf ${words}`);
  /** What kubeadm and the kubelet have on the machine. */
  const files = () => cluster.run('node1', 'cd /etc/kubernetes && find . -type f -exec sha256sum {} + | sort');

  before(async () => {
    cluster = await kubeadmCluster('test-kubeadm', ['node1', 'node2']);
    folder = await mkdtemp(join('/var/tmp', 'kubekeep-test-kubeadm-'));
    await cluster.copyEtcdAccess(join(folder, 'pki'));
    made = await files();
    const { address } = cluster.lab.machines[0]!;
    file = join(folder, 'cluster.yaml');
    await writeFile(file, `apiVersion: kubekeep.dev/v1alpha1
kind: Cluster
metadata: { name: prod }
spec:
  external:
    etcd:
      endpoints: [https://${address}:2379]
      ca: pki/ca.crt
      certificate: pki/healthcheck-client.crt
      key: pki/healthcheck-client.key
  backup: { repository: backups }
`);
    const text = (name: string) => readFile(join(folder, 'pki', name), 'utf8');
    etcd = connectEtcd({ host: address, port: 2379, tls: { ca: await text('ca.crt'), certificate: await text('healthcheck-client.crt'), key: new Secret(await text('healthcheck-client.key')) } });
  });
  after(async () => {
    etcd?.close();
    await cluster?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true });
  });

  async function logReaches(revision: number): Promise<void> {
    const until = performance.now() + 60_000;
    const last = async () => (JSON.parse((await expectZero(run('backup', 'list', '--json'))).stdout) as { log: readonly { last: number }[] }).log.at(-1)?.last ?? 0;
    while ((await last()) < revision) {
      assert.ok(performance.now() < until, `the log is not at ${revision} after a minute`);
      await systemClock.sleep(300);
    }
  }

  it('need nothing but a file that names them', async () => {
    assert.match((await expectZero(run('validate'))).stdout, /which kubekeep did not build/);
    assert.match((await expectZero(run('backup', 'init'))).stdout, /^made identity .*\nrepository [0-9a-f]{12} in .*backups/);
    assert.match((await expectZero(run('backup', 'run'))).stdout, /^base 3: revision \d+ of etcd on node1, taken/);
  });

  it('have every revision: a namespace that was deleted is in what was before, with the hash that etcd had then', async () => {
    const follower = startKubekeep(['backup', 'follow', '--file', file]);
    await kubectl(`create namespace ${canary}`);
    await kubectl(`create secret generic ${canary} --namespace ${canary} --from-literal=word=${canary}`);
    for (let number = 0; number < 10; number++) await kubectl(`create configmap number-${number} --namespace ${canary} --from-literal=number=${number}`);
    const { revision } = await etcd.status();
    const { hash } = await etcd.hashKv(revision);
    await kubectl(`delete namespace ${canary} --wait`);
    await logReaches((await etcd.status()).revision);
    follower.process.kill('SIGINT');
    assert.equal((await follower.ended).code, 130);
    const snapshot = join(folder, 'snap.db');
    await expectZero(run('restore', 'file', '--at', `revision:${revision}`, '--to', snapshot));
    const data = join(folder, 'restored');
    execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'restore', snapshot, '--data-dir', data], { stdio: 'ignore' });
    const said = JSON.parse(execFileSync(cachedProgram('etcdutl', '3.7.3'), ['hashkv', join(data, 'member/snap/db'), '--rev', String(revision), '--write-out', 'json'], { encoding: 'utf8' })) as { hash: number };
    assert.equal(said.hash, hash);
    assert.ok((await readFile(snapshot)).includes(`/registry/configmaps/${canary}/number-9`));
    assert.match((await expectZero(run('restore', 'verify', '--at', `revision:${revision}`))).stdout, new RegExp(`held: revision ${revision}`));
    await expectZero(run('backup', 'verify', '--data', 'all'));
  });

  it('are compared with a control plane that joined later, which the file does not name', async () => {
    await cluster.join('node2');
    const { stdout, stderr } = await expectZero(run('backup', 'run'));
    assert.match(stderr, /etcd has a member node2 that the cluster file does not name; it is asked too/);
    assert.match(stdout, /hash-checked with 2 of 2 members/);
    assert.equal((await run('backup', 'check')).code, 0);
  });

  it('show nothing of the cluster to who has no identity', async () => {
    const names = await readdir(join(folder, 'backups'), { recursive: true });
    for (const name of names.map((one) => join(folder, 'backups', one))) {
      if ((await stat(name)).isFile()) assert.ok(!(await readFile(name)).includes(canary), name);
    }
    assert.ok(names.length > 10);
  });

  it('are all that kubekeep does there: other commands refuse, and nothing was changed', async () => {
    for (const words of [['plan'], ['apply', '--yes'], ['status'], ['destroy', '--confirm', 'prod']]) {
      const { code, stderr } = await run(...words);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /kubekeep did not build cluster prod/);
    }
    assert.equal(await files(), made);
    const { address } = cluster.lab.machines[0]!;
    const access = ['--endpoints', `https://${address}:2379`, '--cacert', join(folder, 'pki/ca.crt'), '--cert', join(folder, 'pki/healthcheck-client.crt'), '--key', join(folder, 'pki/healthcheck-client.key')];
    const keys = execFileSync(cachedProgram('etcdctl', '3.7.3'), [...access, 'get', '', '--from-key', '--keys-only'], { encoding: 'utf8' }).split('\n').filter(Boolean);
    // One key is the API server's own: it is there after the first compaction.
    assert.deepEqual(keys.filter((key) => !key.startsWith('/registry/') && key !== 'compact_rev_key'), []);
  });
});
