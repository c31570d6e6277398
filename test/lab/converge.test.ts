import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { reinstall } from '../../src/lab/reinstall.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { apiAt, etcdOf } from '../../src/operations/clients.ts';
import { reachable, type HostFacts } from '../../src/operations/facts.ts';
import { stepsOf, type Plan } from '../../src/operations/plan/plan.ts';
import { saveSecrets, stateFolder } from '../../src/operations/state.ts';
import { createIdentity, recipientOf, seal } from '../../src/pki/seal.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { expectZero, labCluster, startKubekeep, type LabCluster, type Outcome } from '../support/lab-cluster.ts';

describe('a cluster of three hosts', () => {
  let it3: LabCluster;
  before(async () => {
    it3 = await labCluster('T3', 'test-converge');
    await expectZero(it3.run('apply', '--yes'));
  });
  after(() => it3[Symbol.asyncDispose]());

  const on = async (host: string, script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await it3.hosts.get(host)!.run(script, { timeout: 60_000 });
    assert.equal(exitCode, 0, `${host}: ${script}: ${stderr}`);
    return stdout.trim();
  };
  const plan = async (...args: string[]): Promise<{ code: number | null; lines: string[] }> => {
    const { code, stdout } = await it3.run('plan', '--json', ...args);
    return { code, lines: stepsOf((JSON.parse(stdout) as { plan: Plan }).plan).filter(({ action }) => action !== 'verify').map(({ id, action, reasons }) => `${id} ${action}: ${reasons.join('; ')}`) };
  };
  const nothingToDo = async () => assert.deepEqual(await plan(), { code: 0, lines: [] });
  const errorOf = ({ stdout }: Outcome) => (JSON.parse(stdout) as { error: { code: string; message: string } }).error;
  const apply = (...args: string[]) => it3.run('apply', '--yes', '--json', ...args);
  /** Starts an apply and does something at its first event of this kind. */
  const applyUntil = (type: string, step: string, then: (child: ReturnType<typeof startKubekeep>['process']) => void) => {
    let done = false;
    const running = startKubekeep(['apply', '--yes', '--json', '--file', it3.file], {
      onLine: (line) => {
        if (done || !line.startsWith('{')) return;
        const event = JSON.parse(line) as { type: string; step?: string };
        if (event.type !== type || event.step !== step) return;
        done = true;
        then(running.process);
      },
    });
    return running.ended;
  };
  const editScheduler = (host: string) => on(host, 'echo "# by hand" >> /etc/systemd/system/kube-scheduler.service');
  const lockedHosts = async () => (await Promise.all(['cp1', 'cp2', 'cp3'].map((host) => on(host, 'cut -f2 /var/lib/kubekeep/lock 2>/dev/null || true')))).filter((owner) => owner !== '');

  it('has nothing to do after it was built', async () => {
    assert.match((await expectZero(it3.run('apply', '--yes'))).stdout, /: 0 changes, everything is as the cluster file says/);
    await nothingToDo();
  });

  /** Another cluster file for a while. */
  const withFile = async (change: (text: string) => string, work: () => Promise<void>) => {
    const text = readFileSync(it3.file, 'utf8');
    writeFileSync(it3.file, change(text));
    await work().finally(() => writeFileSync(it3.file, text));
  };
  const noBalancer = (host: string) => (text: string) => text.replace(new RegExp(`^( +)- name: ${host}$`, 'm'), '$&\n$1  roles: [etcd, control-plane]');

  it('is not touched by a cluster file that would break it', async () => {
    const cases: readonly (readonly [change: (text: string) => string, message: RegExp])[] = [
      [(text) => text.slice(0, text.indexOf('    - name: cp2')), /^cp2, cp3 are members of etcd and not in the cluster file/],
      [(text) => text.replace(/^ +pods: .*$/m, '$&\n    dnsDomain: shop.local'), /^spec\.networks\.dnsDomain is shop\.local, and the cluster was built with cluster\.local/],
      [(text) => text.replace(/^( +etcd:\n +version: ).*$/m, (_, before: string) => `${before}3.6.16`), /^etcd's data is of version 3\.7, and etcd 3\.6\.16 cannot read it/],
    ];
    for (const [change, message] of cases) {
      await withFile(change, async () => {
        const refused = await it3.run('plan', '--json');
        assert.equal(refused.code, 3, refused.stderr);
        assert.equal(errorOf(refused).code, 'unsupported-change');
        assert.match(errorOf(refused).message, message);
      });
    }
    await nothingToDo();
  });

  it('takes the VIP from a host that is a balancer no more, and makes it one again', async () => {
    const { vip } = it3.cluster.endpoint;
    const holders = async () => [...(await it3.facts()).hosts].filter(([, found]) => reachable(found) && found.addresses.some(({ address }) => address === vip)).map(([name]) => name);
    const [holder = ''] = await holders();
    await withFile(noBalancer(holder), async () => {
      assert.deepEqual((await plan()).lines.filter((line) => line.includes('remove')), ['keepalived', 'haproxy'].map((name) => `${holder}/${name} remove: ${holder} is not a load balancer any more`));
      await expectZero(apply());
      const left = await holders();
      assert.deepEqual([left.length, left.includes(holder)], [1, false]);
      assert.equal(await on(holder, 'systemctl list-units --all --no-legend "kubekeep-*"; ls /etc/kubekeep | grep -e keepalived -e haproxy -e vip -e lb- || true'), '');
      await nothingToDo();
    });
    await expectZero(apply());
    await it3.healthy();
    await nothingToDo();
  });

  it('names what was changed by hand on three hosts, asks before it repairs it, and repairs it', async () => {
    await editScheduler('cp1');
    await on('cp1', 'rm /etc/kubernetes/pki/apiserver-kubelet-client.crt');
    await on('cp2', 'systemctl stop etcd');
    await on('cp2', 'chmod 0640 /etc/kubernetes/pki/etcd/peer.key');
    await on('cp3', 'p=$(ls /opt/kubekeep/programs/kube-controller-manager/*/*); cp $p $p.x; printf x >> $p.x; mv $p.x $p');
    await on('cp3', 'echo "# by hand" >> /etc/kubekeep/haproxy.cfg; systemctl disable -q kubekeep-keepalived');
    const expected = [
      'cp3/system none: kube-controller-manager to be copied',
      'cp2/etcd start: /etc/kubernetes/pki/etcd/peer.key has mode 640, not 600; etcd.service is stopped',
      'cp1/kube-apiserver restart: /etc/kubernetes/pki/apiserver-kubelet-client.crt is missing',
      'cp1/kube-scheduler restart: /etc/systemd/system/kube-scheduler.service differs; kube-scheduler.service was changed on disk since systemd read it',
      'cp3/kube-controller-manager restart: kube-controller-manager is not the program that was installed',
      'cp3/haproxy reload: /etc/kubekeep/haproxy.cfg differs',
      'cp3/keepalived none: kubekeep-keepalived.service does not start at boot (disabled)',
    ];
    const seen = await plan();
    assert.equal(seen.code, 4);
    assert.deepEqual(seen.lines.toSorted(), expected.toSorted());

    const unasked = await it3.run('apply', '--json');
    assert.equal(unasked.code, 3);
    assert.equal(errorOf(unasked).code, 'needs-confirmation');
    assert.equal((await plan()).code, 4);

    await expectZero(apply());
    await it3.healthy();
    await nothingToDo();
  });

  it('is changed by one of two who apply at once; the other is told who has the lock since when', async () => {
    await editScheduler('cp1');
    await editScheduler('cp2');
    const outcomes = await Promise.all([apply(), apply()]);
    assert.deepEqual(outcomes.map(({ code }) => code).toSorted(), [0, 3], outcomes.map(({ stderr }) => stderr).join('\n---\n'));
    const refused = errorOf(outcomes.find(({ code }) => code === 3)!);
    assert.equal(refused.code, 'lock-held');
    assert.match(refused.message, /^\S+@\S+ pid \d+ is working on this cluster since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await nothingToDo();
  });

  it('is left at a safe point by Ctrl-C, without a lock', async () => {
    await editScheduler('cp1');
    await editScheduler('cp2');
    const stopped = await applyUntil('started', 'cp1/kube-scheduler', (child) => child.kill('SIGINT'));
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.equal(errorOf(stopped).code, 'interrupted');
    assert.deepEqual(await lockedHosts(), []);
    // The step that had begun was performed; the one after it was not begun.
    assert.deepEqual((await plan()).lines, ['cp2/kube-scheduler restart: /etc/systemd/system/kube-scheduler.service differs; kube-scheduler.service was changed on disk since systemd read it']);
  });

  it('is taken over at once from an apply of this computer that was killed', async () => {
    await editScheduler('cp1');
    const killed = await applyUntil('started', 'cp1/kube-scheduler', (child) => child.kill('SIGKILL'));
    assert.equal(killed.code, null);
    assert.equal((await lockedHosts()).length, 3);
    await expectZero(apply());
    assert.deepEqual(await lockedHosts(), []);
    await nothingToDo();
  });

  it('is known to a new computer that has the cluster file and the identity alone', async () => {
    const state = stateFolder(dirname(it3.file), it3.cluster.name).path;
    const identity = join(dirname(it3.file), 'identity-copy');
    cpSync(join(state, 'identity'), identity);
    rmSync(state, { recursive: true });
    const without = await it3.run('plan', '--json');
    assert.equal(errorOf(without).code, 'identity-missing');
    const env = { KUBEKEEP_IDENTITY: identity };
    const taken = await startKubekeep(['plan', '--file', it3.file], { env }).ended;
    assert.deepEqual([taken.code, taken.stdout.includes('0 changes')], [0, true], taken.stderr);
    await expectZero(startKubekeep(['apply', '--yes', '--file', it3.file], { env }).ended);
    await nothingToDo();
  });

  it('is not touched by who has another cluster\'s keys under the same name', async () => {
    const elsewhere = join(dirname(it3.file), 'elsewhere');
    mkdirSync(elsewhere);
    cpSync(it3.file, join(elsewhere, 'cluster.yaml'));
    symlinkSync('../ssh', join(elsewhere, 'ssh'));
    const { identity } = await createIdentity();
    const secrets = await createSecrets(it3.cluster.name, Date.now());
    await saveSecrets(stateFolder(elsewhere, it3.cluster.name), { secrets, identity, from: 'new', sealed: new TextDecoder().decode(await seal(secrets, [await recipientOf(identity)])) });
    for (const command of [['plan'], ['apply', '--yes']]) {
      const refused = await startKubekeep([...command, '--json', '--file', join(elsewhere, 'cluster.yaml')]).ended;
      assert.equal(refused.code, 3);
      assert.equal(errorOf(refused).code, 'cluster-mismatch');
    }
    await nothingToDo();
  });

  it('gets a host with a new disk back as a voter, with everything that was written before', async () => {
    const objects = Array.from({ length: 50 }, (_, position) => `before-${position}`);
    await inNamespace(it3, 'cp1', async (api) => {
      await api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kept' } });
      for (const name of objects) await api.post('/api/v1/namespaces/kept/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
    });
    await reinstall(it3.lab, 'cp2');
    const seen = await plan();
    assert.equal(seen.code, 4);
    assert.ok(seen.lines.includes('cp2/etcd-join join: cp2 has no etcd data; etcd is not there yet'), seen.lines.join('\n'));
    const { stderr } = await expectZero(apply());
    const notes = stderr.split('\n').filter((line) => line.includes('"etcd: ')).map((line) => (JSON.parse(line) as { title: string }).title.replace('etcd: ', ''));
    assert.deepEqual(notes.filter((note) => ['remove', 'add learner', 'start', 'promote'].includes(note)), ['remove', 'add learner', 'start', 'promote']);
    assert.deepEqual((await membersOf(it3)).map(({ name, isLearner }) => `${name} ${isLearner ? 'learner' : 'voter'}`).toSorted(), ['cp1 voter', 'cp2 voter', 'cp3 voter']);
    await inNamespace(it3, 'cp2', async (api) => {
      const found = await api.get<{ items: { metadata: { name: string } }[] }>('/api/v1/namespaces/kept/configmaps');
      const names = new Set(found.items.map(({ metadata }) => metadata.name));
      assert.deepEqual(objects.filter((name) => !names.has(name)), []);
    });
    await nothingToDo();
  });

  it('is repaired where hosts answer, and never loses its quorum for a repair', async () => {
    await powerOff(it3.lab, 'cp3');
    await editScheduler('cp1');
    await on('cp2', 'echo "# by hand" >> /etc/kubekeep/haproxy.cfg');
    const repaired = await apply();
    assert.equal(repaired.code, 1, repaired.stderr);
    assert.equal(errorOf(repaired).code, 'host-unreachable');
    assert.match(errorOf(repaired).message, /^cp3 could not be reached and was left as it is; everything else is done$/);
    assert.deepEqual((await plan()).lines, []);

    await withFile(noBalancer('cp3'), async () => {
      const { plan: planned } = JSON.parse((await it3.run('plan', '--json')).stdout) as { plan: Plan };
      assert.match(planned.warnings.join('\n'), /^cp3 \(\S+\) was a load balancer and does not answer/m);
    });

    const since = await on('cp1', 'systemctl show -P ActiveEnterTimestampMonotonic etcd');
    await on('cp1', 'echo "# by hand" >> /etc/kubekeep/etcd.yaml');
    const refused = await apply();
    assert.equal(refused.code, 3, refused.stderr);
    assert.equal(errorOf(refused).code, 'quorum-risk');
    assert.equal(await on('cp1', 'systemctl show -P ActiveEnterTimestampMonotonic etcd'), since);
    await powerOn(it3.lab, 'cp3');
  });

  it('with two of three members stopped and a change for the third has the two started first', async () => {
    await it3.healthy();
    await Promise.all(['cp2', 'cp3'].map((host) => on(host, 'systemctl stop etcd')));
    const { stderr } = await expectZero(apply());
    const done = stderr.split('\n').filter((line) => line.includes('"type":"done"') && line.includes('/etcd"')).map((line) => (JSON.parse(line) as { step: string }).step);
    assert.deepEqual([done.slice(0, 2).toSorted(), done.slice(2)], [['cp2/etcd', 'cp3/etcd'], ['cp1/etcd']]);
    await it3.healthy();
    await nothingToDo();
  });
});

async function inNamespace(it3: LabCluster, host: string, work: (api: Awaited<ReturnType<typeof apiAt>>) => Promise<void>): Promise<void> {
  const spec = it3.cluster.hosts.find(({ name }) => name === host)!;
  const api = await apiAt(spec.address, 6443, it3.hosts.get(host)!, await it3.secrets(), systemClock.now());
  try {
    await work(api);
  } finally {
    api.close();
  }
}

async function membersOf(it3: LabCluster) {
  const facts = await it3.facts();
  const spec = it3.cluster.hosts.find(({ name }) => reachable(facts.hosts.get(name)) && (facts.hosts.get(name) as HostFacts).etcd.ready)!;
  const client = await etcdOf(spec, it3.hosts.get(spec.name)!, await it3.secrets(), systemClock.now());
  try {
    return await client.members();
  } finally {
    client.close();
  }
}
