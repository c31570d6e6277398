import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ApiClient } from '../../src/clients/kubernetes/connect-api.ts';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import { hostsWith } from '../../src/cluster/cluster.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { apiAt, etcdOf } from '../../src/operations/clients.ts';
import { expectZero, labCluster, startKubekeep, type LabCluster, type Outcome, type Running } from '../support/lab-cluster.ts';

const configMaps = '/api/v1/namespaces/precious/configmaps';
const count = 2000;
/** What outlives a lab: the repository and the identity. */
const kept = mkdtempSync('/var/tmp/kubekeep-restored-');
after(() => rmSync(kept, { recursive: true, force: true }));

const errorOf = ({ stdout }: Outcome) => (JSON.parse(stdout) as { error: { code: string; message: string; hint: string } }).error;

async function through<T>(lab: LabCluster, use: (api: ApiClient) => Promise<T>): Promise<T> {
  return apiThroughVip(await lab.reach(), use);
}

/** Until it is true; `what` says what it waits for. */
async function until(what: string, seconds: number, look: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await look().catch(() => false))) {
    assert.ok(performance.now() < end, `${what} after ${seconds} s`);
    await systemClock.sleep(200);
  }
}

interface Revisions {
  /** In words. */
  readonly decreases: readonly string[];
  readonly highest: () => number;
  readonly reads: () => number;
  stop(): Promise<void>;
}

/** Reads lists all the time: the latest through the VIP, and what the cache of each API server has. Nobody may see a revision decrease. (Between caches of several API servers there is no order.) */
async function watchRevisions(lab: LabCluster): Promise<Revisions> {
  const { operation: { cluster, hosts }, secrets } = await lab.reach();
  const decreases: string[] = [];
  const highest = new Map<string, number>();
  let reads = 0;
  const stopped = new AbortController();
  const lane = async (name: string, query: string, open: () => Promise<ApiClient>) => {
    const api = await open();
    while (!stopped.signal.aborted) {
      const found = await api.get<{ metadata: { resourceVersion: string } }>(`/api/v1/configmaps?${query}`, { deadline: 2000 }).catch(() => undefined);
      await systemClock.sleep(found ? 30 : 100);
      if (!found) continue;
      const [seen, before] = [Number(found.metadata.resourceVersion), highest.get(name) ?? 0];
      if (seen < before) decreases.push(`${name}: ${before}, then ${seen}`);
      highest.set(name, Math.max(seen, before));
      reads++;
    }
    api.close();
  };
  const at = (address: string, host: string) => () => apiAt(address, 6443, hosts.get(host)!, secrets, Date.now());
  const lanes = Promise.all([lane('through the VIP', 'limit=1', at(cluster.endpoint.vip, 'cp1')), ...['cp1', 'cp2'].map((name) => lane(`the cache of ${name}`, 'limit=1&resourceVersion=0', at(cluster.hosts.find((one) => one.name === name)!.address, name)))]);
  return { decreases, highest: () => Math.max(...highest.values()), reads: () => reads, stop: () => (stopped.abort(), lanes.then(() => {})) };
}

async function hashesOf(lab: LabCluster): Promise<number[]> {
  const secrets = await lab.secrets();
  const clients = await Promise.all(hostsWith(lab.cluster, 'etcd').map((spec) => etcdOf(spec, lab.hosts.get(spec.name)!, secrets, Date.now())));
  try {
    const revision = Math.min(...(await Promise.all(clients.map(async (client) => (await client.status()).revision))));
    return await Promise.all(clients.map(async (client) => (await client.hashKv(revision)).hash));
  } finally {
    for (const client of clients) client.close();
  }
}

/** What was in the namespace when the point was taken, and what kcm has made of the Deployment. */
async function precious(lab: LabCluster): Promise<{ readonly configMaps: number; readonly secret: string; readonly replicas: number }> {
  return through(lab, async (api) => {
    const maps = await api.get<{ items: { metadata: { name: string } }[] }>(configMaps, { deadline: 20_000 });
    const secret = await api.get<{ data: { word: string } }>('/api/v1/namespaces/precious/secrets/word');
    const sets = await api.get<{ items: { spec: { replicas: number }; metadata: { ownerReferences: { uid: string }[] } }[] }>('/apis/apps/v1/namespaces/precious/replicasets');
    const { metadata: { uid } } = await api.get<{ metadata: { uid: string } }>('/apis/apps/v1/namespaces/precious/deployments/web');
    return { configMaps: maps.items.filter(({ metadata: { name } }) => name.startsWith('n-')).length, secret: Buffer.from(secret.data.word, 'base64').toString(), replicas: sets.items.filter(({ metadata }) => metadata.ownerReferences[0]?.uid === uid).reduce((sum, { spec }) => sum + spec.replicas, 0) };
  });
}

const whole = { configMaps: count, secret: 'open sesame', replicas: 3 };

/** kcm works: it makes what a new Deployment asks for. */
async function controllersWork(lab: LabCluster, name: string): Promise<void> {
  await through(lab, (api) => api.post('/apis/apps/v1/namespaces/default/deployments', deployment(name)));
  await until(`no ReplicaSet of Deployment ${name}`, 60, () => through(lab, async (api) => (await api.get<{ items: { metadata: { name: string } }[] }>('/apis/apps/v1/namespaces/default/replicasets')).items.some(({ metadata }) => metadata.name.startsWith(name))));
  const status = await lab.run('status', '--json');
  const { status: { leases } } = JSON.parse(status.stdout) as { status: { leases: readonly { name: string; holder?: string; expired: boolean }[] } };
  assert.ok(leases.length === 2 && leases.every(({ holder, expired }) => holder !== undefined && !expired), status.stdout.slice(0, 500));
}

function deployment(name: string): object {
  const labels = { app: name };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'example.invalid/web' }] } } } };
}

async function inBatches(from: number, to: number, write: (number: number) => Promise<unknown>): Promise<void> {
  for (let first = from; first < to; first += 20) await Promise.all(Array.from({ length: Math.min(20, to - first) }, (_, index) => write(first + index)));
}

describe('a cluster of three hosts that is put back', () => {
  let it3: LabCluster;
  let follower: Running;
  let clients: Revisions;
  let at: string;
  let before0: number;
  /** The record of a roll-back that is over by now, as it was in the middle. */
  let stale: string;
  const restore = (...args: string[]) => it3.run('restore', 'cluster', ...args);
  /** Kills it at this event of a step. */
  const killedAt = async (type: 'started' | 'done', step: string, ...args: string[]) => {
    let killed = false;
    const running = startKubekeep(['restore', 'cluster', '--yes', '--json', ...args, '--file', it3.file], {
      onLine: (line) => {
        const event = line.startsWith('{') ? (JSON.parse(line) as { type: string; step?: string }) : undefined;
        if (killed || event?.type !== type || !event.step?.endsWith(step)) return;
        killed = running.process.kill('SIGKILL');
      },
    });
    const { code, stderr } = await running.ended;
    assert.equal(code, null, stderr);
  };
  const leftOnHosts = async () => (await Promise.all([...it3.hosts.values()].map(async (host) => (await host.run('ls -d /var/lib/kubekeep/restore-* /var/lib/etcd.restoring 2>/dev/null')).stdout))).join('');
  const marked = async () => (await Promise.all([...it3.hosts.values()].map(async (host) => (await host.run('cat /var/lib/kubekeep/restoring 2>/dev/null')).stdout))).filter((text) => text !== '').length;
  const timelines = async () => {
    const { bases, log } = JSON.parse((await expectZero(it3.run('backup', 'list', '--json'))).stdout) as { bases: readonly { number: number; timeline: string; revision: number }[]; log: readonly { timeline: string; kind: string; first: number; last: number }[] };
    return { bases, log };
  };

  before(async () => {
    it3 = await labCluster('T3', 'test-restore');
    await expectZero(it3.run('apply', '--yes'));
    await expectZero(it3.run('backup', 'init'));
    await expectZero(it3.run('backup', 'run'));
    follower = startKubekeep(['backup', 'follow', '--file', it3.file]);
    await it3.createNamespace('precious');
    await through(it3, async (api) => {
      await api.post('/api/v1/namespaces/precious/secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'word' }, stringData: { word: 'open sesame' } });
      await api.post('/apis/apps/v1/namespaces/precious/deployments', deployment('web'));
      await api.post('/api/v1/namespaces/kube-system/secrets', { apiVersion: 'v1', kind: 'Secret', type: 'bootstrap.kubernetes.io/token', metadata: { name: 'bootstrap-token-abcdef' }, stringData: { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef' } });
      await api.post('/api/v1/namespaces/kube-public/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-info' }, data: { kubeconfig: `clusters:\n- cluster:\n    server: https://${it3.cluster.endpoint.vip}:6443\n  name: ""\n` } });
      await inBatches(0, count, (number) => api.post(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `n-${number}` }, data: { number: String(number) } }, { deadline: 20_000 }));
    });
    const { status: { token } } = await through(it3, (api) => api.post<{ status: { token: string } }>('/api/v1/namespaces/kube-system/serviceaccounts/default/token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds: 86_400 } }));
    writeFileSync(join(kept, 'token'), token);
    await until('the ReplicaSet is not there', 60, async () => (await precious(it3)).replicas === 3);
    clients = await watchRevisions(it3);
  });
  after(async () => {
    follower.process.kill('SIGINT');
    await clients.stop();
    await it3[Symbol.asyncDispose]();
  });

  it('has a point, and then loses a namespace', async () => {
    await systemClock.sleep(1500);
    at = new Date().toISOString();
    await systemClock.sleep(1500);
    await through(it3, async (api) => {
      await api.delete('/api/v1/namespaces/precious');
      await inBatches(0, 200, (number) => api.post('/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `since-${number}` } }));
    });
    await until('the namespace is still there', 60, () => through(it3, (api) => api.get('/api/v1/namespaces/precious').then(() => false, () => true)));
    const end = clients.highest();
    await until('the log has not come so far', 30, async () => (await timelines()).log.some(({ last }) => last >= end));
  });

  it('is shown what would be done and change, and nothing is touched', async () => {
    const shown = await expectZero(restore('--at', at, '--dry-run'));
    assert.match(shown.stdout, /namespaces that will be back: precious/);
    assert.match(shown.stdout, /configmaps +200 made since are gone, 200\d deleted since are back/);
    assert.match(shown.stdout, /Tokens and passwords among the secrets that are back are valid again/);
    const [base] = (await timelines()).bases;
    const unasked = await restore('--at', `base:${base!.number}`, '--json');
    assert.deepEqual([unasked.code, errorOf(unasked).code], [3, 'needs-confirmation']);
    const two = await restore('--at', at, '--roll-back', '--json');
    assert.deepEqual([two.code, errorOf(two).code], [2, 'usage']);
    assert.equal(await marked(), 0);
    assert.deepEqual(readdirSync(join(dirname(it3.file), '.kubekeep', it3.cluster.name)).filter((name) => /^restore-\d/.test(name)), [], 'nothing is left in clear text');
    before0 = clients.highest();
  });

  it('interrupted while the data is made it leaves nothing behind, and the cluster serves', async () => {
    let interrupted = false;
    const running = startKubekeep(['restore', 'cluster', '--yes', '--json', '--at', at, '--file', it3.file], {
      onLine: (line) => {
        const event = line.startsWith('{') ? (JSON.parse(line) as { type: string; title?: string }) : undefined;
        if (!interrupted && event?.type === 'bytes' && event.title === 'copying the snapshot') interrupted = running.process.kill('SIGINT');
      },
    });
    const outcome = await running.ended;
    assert.deepEqual({ interrupted, code: outcome.code }, { interrupted: true, code: 130 }, outcome.stderr);
    assert.equal((await leftOnHosts()) + (await marked()), '0');
    const reads = clients.reads();
    await until('clients do not read', 30, () => Promise.resolve(clients.reads() > reads));
    assert.match((await expectZero(it3.run('plan'))).stdout, /0 changes/);
  });

  it('killed in the middle it is neither built anew nor put back to something else, and going on finishes it', async () => {
    // One host has the restored data by then, the others perhaps not.
    await killedAt('done', '/restore-data', '--at', at);
    assert.equal(await marked(), 3);
    const applied = await it3.run('apply', '--yes', '--json');
    assert.deepEqual([applied.code, errorOf(applied).code], [3, 'restore-unfinished']);
    assert.match(errorOf(applied).hint, /restore cluster --at .*finishes it.*--roll-back/);
    const other = await restore('--at', 'latest', '--yes', '--json');
    assert.deepEqual([other.code, errorOf(other).code], [3, 'restore-unfinished']);
    const { stdout } = await expectZero(restore('--at', at, '--yes'));
    assert.match(stdout, /done\. A new timeline of revisions begins at \d{10}/);
    assert.equal(await marked(), 0);
    assert.equal(await leftOnHosts(), '');
    assert.deepEqual(readdirSync(join(dirname(it3.file), '.kubekeep', it3.cluster.name)).filter((name) => /^restore-\d/.test(name)), [], 'what the killed one left in clear text is gone');
  });

  it('has everything of then, on all members, and works', async () => {
    assert.deepEqual(await precious(it3), whole);
    assert.equal(new Set(await hashesOf(it3)).size, 1);
    await it3.healthy();
    assert.match((await expectZero(it3.run('apply', '--yes'))).stdout, /: 0 changes/);
    await controllersWork(it3, 'after');
    assert.equal((await it3.run('status')).code, 0);
  });

  it('showed no client a lower revision, and sends those of before back to the start', async () => {
    const seen = clients.reads();
    await until('clients do not read', 30, () => Promise.resolve(clients.reads() > seen + 10));
    assert.deepEqual(clients.decreases, []);
    assert.ok(clients.highest() > before0, `${clients.highest()} and ${before0}`);
    const watched = await through(it3, (api) => api.get<{ type: string; object: { code: number } }>(`/api/v1/configmaps?watch=true&timeoutSeconds=3&resourceVersion=${before0}`));
    assert.deepEqual([watched.type, watched.object.code], ['ERROR', 410]);
  });

  it('is followed by the same follower in a timeline of its own; times before it are those of the old one', async () => {
    await until('the log does not go on', 60, async () => (await timelines()).log.some(({ first }) => first > before0));
    const { bases } = await timelines();
    assert.equal(new Set(bases.map(({ timeline }) => timeline)).size, 2);
    const file = join(dirname(it3.file), 'then.db');
    assert.match((await expectZero(it3.run('restore', 'file', '--at', at, '--to', file))).stdout, new RegExp(`revision \\d{4}, captured`));
    assert.match((await expectZero(it3.run('restore', 'file', '--at', 'latest', '--to', file))).stdout, /revision \d{10}/);
  });

  it('goes back to what it had before, from the data that was kept, also while a host is away', async () => {
    const highest = clients.highest();
    // Every member has the data of this attempt when it is killed, and cp3 does not come back to it.
    await killedAt('started', '/restore-check', '--roll-back');
    stale = readFileSync(join(stateOf(it3), 'restore-unfinished.json'), 'utf8');
    await powerOff(it3.lab, 'cp3');
    const away = await restore('--roll-back', '--yes', '--json');
    assert.deepEqual([away.code, errorOf(away).code], [1, 'host-unreachable']);
    await expectZero(restore('--roll-back', '--yes', '--skip-unreachable'));
    await assert.rejects(precious(it3), { code: 'api-failed' });
    const found = await through(it3, (api) => api.get<{ items: { metadata: { name: string } }[] }>('/api/v1/namespaces/default/configmaps'));
    assert.equal(found.items.filter(({ metadata: { name } }) => name.startsWith('since-')).length, 200);
    await until('clients do not read', 30, () => Promise.resolve(clients.highest() > highest));
    assert.deepEqual(clients.decreases, []);
  });

  it('takes in the host that was away, closed and with the data of another attempt: what its etcd has is kept aside and never comes back', async () => {
    await powerOn(it3.lab, 'cp3');
    await until('cp3 does not answer', 60, async () => (await it3.hosts.get('cp3')!.run('systemctl is-active etcd || systemctl is-active sshd || systemctl is-active ssh')).exitCode === 0);
    assert.equal(await marked(), 1, 'cp3 was not told that it is over');
    // As on a computer that had no part in it.
    rmSync(join(stateOf(it3), 'restore-last.json'));
    const { stdout } = await it3.run('plan');
    assert.match(stdout, /cp3 +etcd: join the cluster.*\n +its data is of before the restore of the cluster/);
    await expectZero(it3.run('apply', '--yes'));
    await it3.healthy();
    assert.equal(new Set(await hashesOf(it3)).size, 1);
    assert.match((await expectZero(it3.run('apply', '--yes'))).stdout, /: 0 changes/);
    assert.deepEqual(clients.decreases, []);
  });

  it('replaces nothing that was written since when what is over is begun again, whatever is noted of it', async () => {
    assert.equal(await marked(), 0);
    const note = (name: string) => it3.hosts.get(name)!.run(`rm -f /var/lib/kubekeep/restores-ended; printf %s '${stale}' > /var/lib/kubekeep/restoring`);
    writeFileSync(join(stateOf(it3), 'restore-unfinished.json'), stale);
    assert.match((await expectZero(it3.run('apply', '--yes'))).stdout, /: 0 changes/);
    // Nobody remembers that it is over.
    await Promise.all([...it3.hosts.keys()].map(note));
    const applied = await it3.run('apply', '--yes', '--json');
    assert.deepEqual([applied.code, errorOf(applied).code], [3, 'restore-unfinished']);
    await through(it3, (api) => api.post('/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'written-since' } }));
    await expectZero(restore('--roll-back', '--yes'));
    await through(it3, (api) => api.get('/api/v1/namespaces/default/configmaps/written-since'));
    assert.match((await expectZero(it3.run('apply', '--yes'))).stdout, /: 0 changes/);
    assert.deepEqual(clients.decreases, []);
  });

  it('leaves what another computer needs to put it elsewhere', async () => {
    keepFrom(it3);
    writeFileSync(join(kept, 'at'), at);
    writeFileSync(join(kept, 'ca'), (await it3.secrets()).authorities.kubernetes.certificate);
  });
});

/** Kept offline. All else comes from the repository. */
const own = ['identity'];
const stateOf = (lab: LabCluster) => join(dirname(lab.file), '.kubekeep', lab.cluster.name);

function keepFrom(lab: LabCluster): void {
  cpSync(join(dirname(lab.file), 'backups'), join(kept, 'backups'), { recursive: true });
  for (const name of own) cpSync(join(stateOf(lab), name), join(kept, name));
}

/** A lab whose hosts have nothing yet, other names in the cluster file, and beside it what was kept. */
async function labFromKept(topology: string, name: string, names: Readonly<Record<string, string>>): Promise<LabCluster> {
  const lab = await labCluster(topology, name);
  let text = readFileSync(lab.file, 'utf8');
  for (const [from, to] of Object.entries(names)) text = text.replaceAll(`name: ${from}\n`, `name: ${to}\n`);
  writeFileSync(lab.file, text);
  mkdirSync(stateOf(lab), { recursive: true, mode: 0o700 });
  for (const one of own) cpSync(join(kept, one), join(stateOf(lab), one));
  cpSync(join(kept, 'backups'), join(dirname(lab.file), 'backups'), { recursive: true });
  return lab;
}

for (const [topology, names, point, more] of [['T1', { cp1: 'solo' }, () => readFileSync(join(kept, 'at'), 'utf8'), ['--rotate-tokens']], ['T3', { cp1: 'red', cp2: 'green', cp3: 'blue' }, () => 'latest', []]] as const) {
  describe(`the same cluster on other hosts with other names and addresses (${topology})`, () => {
    let other: LabCluster;
    before(async () => {
      other = await labFromKept(topology, `test-restored-${topology.toLowerCase()}`, names);
    });
    after(() => other[Symbol.asyncDispose]());

    it('has everything of then, and works, once somebody has compared the owner of the repository', async () => {
      const { owner } = JSON.parse(readFileSync(join(kept, 'backups', 'kubekeep-repository'), 'utf8')) as { owner: string };
      for (const wrong of [[], ['--owner-key', `A${owner.slice(1)}x`]]) {
        const unsure = await other.run('restore', 'cluster', '--at', point(), '--yes', '--json', ...wrong);
        assert.deepEqual([unsure.code, errorOf(unsure).code, errorOf(unsure).hint.includes(`--owner-key ${owner}`)], [3, 'needs-confirmation', true]);
        assert.deepEqual(readdirSync(stateOf(other)).filter((name) => name.endsWith('.age')), []);
      }
      await expectZero(other.run('restore', 'cluster', '--at', point(), '--yes', '--owner-key', owner, ...more));
      assert.deepEqual(await precious(other), whole);
      assert.match((await expectZero(other.run('apply', '--yes'))).stdout, /: 0 changes/);
      await controllersWork(other, `on-${topology.toLowerCase()}`);
      assert.equal((await other.run('status')).code, 0);
    });

    it('has the authorities of then, and takes tokens of then', async () => {
      assert.equal((await other.secrets()).authorities.kubernetes.certificate, readFileSync(join(kept, 'ca'), 'utf8'));
      const review = await through(other, (api) => api.post<{ status: { authenticated?: boolean; user?: { username: string } } }>('/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: readFileSync(join(kept, 'token'), 'utf8') } }));
      assert.deepEqual([review.status.authenticated, review.status.user?.username], [true, 'system:serviceaccount:kube-system:default']);
    });

    it('is reached at its own addresses only', async () => {
      const { subsets } = await through(other, (api) => api.get<{ subsets: { addresses: { ip: string }[] }[] }>('/api/v1/namespaces/default/endpoints/kubernetes'));
      assert.deepEqual(subsets.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)).toSorted(), hostsWith(other.cluster, 'control-plane').map(({ address }) => address).toSorted());
      const { data: { kubeconfig } } = await through(other, (api) => api.get<{ data: { kubeconfig: string } }>('/api/v1/namespaces/kube-public/configmaps/cluster-info'));
      assert.match(kubeconfig, new RegExp(`server: https://${other.cluster.endpoint.vip}:6443\n`));
      await assert.rejects(through(other, (api) => api.get('/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef')), { status: 404 });
      keepFrom(other);
    });
  });
}
