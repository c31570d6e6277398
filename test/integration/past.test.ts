import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { captureKeys, newCapture } from '../../src/backup/captures.ts';
import { appendRecords } from '../../src/backup/change-log/append-log.ts';
import { logEnd } from '../../src/backup/change-log/coverage.ts';
import type { LogRecord } from '../../src/backup/change-log/log-record.ts';
import { readLog } from '../../src/backup/change-log/read-log.ts';
import { basesOf } from '../../src/backup/points.ts';
import type { EtcdChange } from '../../src/clients/etcd/watch.ts';
import { exampleClusterFile } from '../../src/cluster/example-file.ts';
import { openToWrite } from '../../src/operations/backup/open-backup.ts';
import type { ApiObject } from '../support/every-kind.ts';
import { keptCluster, type KeptCluster } from '../support/kept-cluster.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { expectZero, kubekeep, startKubekeep, type Outcome } from '../support/lab-cluster.ts';

const kubectl = cachedProgram('kubectl', '1.37.2');
const web = '/apis/apps/v1/namespaces/shop/deployments/web';

describe('the past', () => {
  let kept: KeptCluster;
  /** The last revision at which all was there. */
  let whole: number;
  const file = () => join(kept.folder, 'cluster.yaml');
  const post = (path: string, kind: string, apiVersion: string, name: string, rest: object) => kept.api.post<ApiObject>(path, { apiVersion, kind, metadata: { name }, ...rest });
  const scale = async (replicas: number) => Number((await kept.api.patch<ApiObject>(web, { spec: { replicas } })).metadata['resourceVersion']);
  const followAll = async () => {
    const { revision } = await kept.etcd.status();
    await kept.follow(() => revision);
    return revision;
  };
  const nothingLeft = async () => (await readdir(kept.operation.state.path)).filter((name) => /^(at|bisect)-/.test(name));
  const until = async (done: () => boolean | Promise<boolean>, what: string) => {
    for (const end = performance.now() + 60_000; !(await done()); await new Promise((next) => setTimeout(next, 100))) assert.ok(performance.now() < end, what);
  };

  before(async () => {
    kept = await keptCluster();
    await writeFile(file(), exampleClusterFile({ name: 'prod', vip: '198.18.250.100/24', hosts: [{ name: 'cp1', address: '198.18.250.11' }], backup: { repository: 'repository' } }));
    await post('/api/v1/namespaces', 'Namespace', 'v1', 'shop', {});
    await post('/api/v1/namespaces/shop/secrets', 'Secret', 'v1', 'password', { stringData: { word: 'hunter2' } });
    const labels = { app: 'web' };
    await post('/apis/apps/v1/namespaces/shop/deployments', 'Deployment', 'apps/v1', 'web', { spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] } } } });
    await kept.takeBase();
    await scale(4);
    whole = await followAll();
    await kept.api.delete(web);
    await post('/api/v1/namespaces', 'Namespace', 'v1', 'later', {});
    await followAll();
  });
  after(() => kept[Symbol.asyncDispose]());

  it('is served as it was then to kubectl, which can change nothing of it, and leaves nothing behind', async () => {
    const script = String.raw`
k="$1"; shift
$k get deploy -A -o jsonpath='{.items[*].metadata.name} {.items[*].spec.replicas}'; echo
$k get ns later 2>&1 | head -1
$k get secret password -n shop -o jsonpath='{.data.word}' | base64 -d; echo
$k config current-context
$k auth can-i list pods -A; $k auth can-i delete pods
refused() { echo "$($k "$@" 2>&1 | grep -c 'the-past-is-read-only')"; }
refused create ns other
refused delete deploy web -n shop
refused scale deploy web -n shop --replicas=0
refused patch deploy web -n shop --subresource=status --type=merge -p '{"status":{"replicas":9}}'
refused create token default -n shop
refused create clusterrolebinding mine --clusterrole=cluster-admin --user=the-past-is-read-only
refused --as=admin --as-group=system:masters get ns
`;
    const { stdout } = await expectZero(kubekeep('at', `revision:${whole}`, '--file', file(), '--', 'sh', '-c', script, 'sh', kubectl));
    const [deployments, missing, secret, context, list, remove, ...refused] = stdout.trim().split('\n');
    assert.deepEqual([deployments, secret, context, list, remove], ['web 4', 'hunter2', `prod@revision:${whole}`, 'yes', 'no - abac: No policy matched.'], stdout);
    assert.match(missing!, /"later" not found/);
    assert.deepEqual(refused, Array.from({ length: 7 }, () => '1'), stdout);
    assert.deepEqual(await nothingLeft(), []);
  });

  it('is a context in a kubeconfig of one\'s own, which is as it was before when the time is over', async () => {
    const path = join(kept.folder, 'own.yaml');
    const own = '# Mine.\napiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\ncurrent-context: ""\n';
    await writeFile(path, own, { mode: 0o644 });
    let seen: Promise<string> | undefined;
    const look = async () => {
      await until(async () => (await readFile(path, 'utf8')).includes('127.0.0.1'), 'there is no context');
      return execFileSync(kubectl, ['--kubeconfig', path, '--context', 'then', 'get', 'ns', 'shop', '-o', 'name'], { encoding: 'utf8' });
    };
    const running = startKubekeep(['at', 'latest', '--file', file(), '--kubeconfig', path, '--context', 'then', '--hold', '5s', '--json'], { onLine: (line) => void (line.includes('"done"') && (seen ??= look())) });
    const { stdout } = await expectZero(running.ended);
    assert.equal((await seen)!.trim(), 'namespace/shop');
    const { context, kubeconfig, server } = JSON.parse(stdout);
    assert.deepEqual([context, kubeconfig], ['then', path]);
    assert.match(server, /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(parse(await readFile(path, 'utf8')), parse(own));
  });

  it('is gone when kubekeep is killed, but for the context, which the next one takes out', async () => {
    const path = join(kept.folder, 'killed.yaml');
    const begun = (context: string) => {
      let told = () => {};
      const ready = new Promise<void>((resolve) => (told = resolve));
      const running = startKubekeep(['at', 'latest', '--file', file(), '--kubeconfig', path, '--context', context], { onLine: (line) => void (line.includes('serving revision') && told()) });
      return { ...running, ready: Promise.race([ready, running.ended.then(({ stderr }) => assert.fail(stderr))]) };
    };
    const first = begun('first');
    await first.ready;
    const [folder] = await nothingLeft();
    assert.ok(programsIn(folder!).length >= 2, 'etcd and the API server run');
    first.process.kill('SIGKILL');
    await until(async () => programsIn(folder!).length === 0 && (await nothingLeft()).length === 0, 'its programs or its files are left');
    const second = begun('second');
    await second.ready;
    assert.deepEqual(parse(await readFile(path, 'utf8')).contexts.map((one: { readonly name: string }) => one.name), ['second']);
    second.process.kill('SIGINT');
    assert.equal((await second.ended).code, 0);
    assert.deepEqual([parse(await readFile(path, 'utf8')).contexts, await nothingLeft()], [[], []]);
  });

  /** Appends to the log what nobody wrote: the Deployment and another object, again and again, and at one place the Deployment with no replicas. */
  const longLog = async (count: number, culprit: number) => {
    const { repository, keys, identity } = await openToWrite(kept.operation, kept.store);
    const { timeline, revision: base } = basesOf(repository.chain)[0]!;
    const last = logEnd(repository.chain.entries, timeline)!;
    const states = new Map<string, EtcdChange[]>();
    for await (const { records } of readLog(repository, { timeline, first: base + 1, last }, captureKeys(repository, identity))) {
      for (const change of records.flatMap(({ changes }) => changes)) states.set(Buffer.from(change.key).toString(), [...(states.get(Buffer.from(change.key).toString()) ?? []), change]);
    }
    const [deployment, other] = ['/registry/deployments/shop/web', '/registry/namespaces/later'].map((key) => states.get(key)!);
    const none = deployment!.findLast(({ value }) => value)!;
    const some = deployment!.filter(({ value }) => value).at(-2)!;
    let versions = [none.version, other!.at(-1)!.version] as [number, number];
    const records = Array.from({ length: count }, (_, index): LogRecord => {
      const revision = last + 1 + index;
      const about = index === culprit || index === culprit + 10 || index % 20_000 === 5;
      versions = about ? [versions[0] + 1, versions[1]] : [versions[0], versions[1] + 1];
      const change = about ? { ...(index >= culprit ? none : some), version: versions[0] } : { ...other!.at(-1)!, version: versions[1] };
      return { revision, received: Date.now(), changes: [{ ...change, revision }] };
    });
    await appendRecords(repository, { records, leases: new Map() }, { writer: keys.writer, timeline, member: 'm1', key: await newCapture(repository) });
    return last;
  };

  it('is searched for the change that turned something bad: the one of 100,000 that set replicas to 0', async () => {
    await post('/apis/apps/v1/namespaces/shop/deployments', 'Deployment', 'apps/v1', 'web', { spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] } } } });
    await scale(0);
    const zero = await followAll();
    const last = await longLog(100_000, 71_234);
    const check = ['sh', '-c', 'n=$("$1" get deploy web -n shop -o jsonpath={.spec.replicas}) || exit 125; echo "looked: $n"; test "$n" -gt 0', 'sh', kubectl];
    const search = (...args: readonly string[]): Promise<Outcome> => kubekeep('bisect', '--bad', 'latest', '--file', file(), ...args, '--', ...check);
    const good = ['--good', `revision:${last + 1 + 5}`];
    const found = await expectZero(search(...good, '--only', 'deploy/web', '-n', 'shop', '--json'));
    const { changes, ...rest } = JSON.parse(found.stdout);
    const bad = last + 1 + 71_234;
    assert.deepEqual([rest.good, rest.bad, changes.map((one: any) => [one.name.resource, one.name.name, one.manager, one.changes])], [bad - 1, bad, [['deployments.apps', 'web', 'kubekeep', [{ path: 'spec.replicas', before: 2, after: 0 }]]]]);
    assert.match(found.stderr, /looked: 2/);
    // Without a word about which object.
    const all = await expectZero(search('--good', `revision:${zero - 1}`, '--bad', `revision:${zero}`));
    assert.match(all.stdout, new RegExp(`^revision ${zero} turned it bad[^]*by kubekeep\n~ deployments\\.apps/web in shop[^]*spec\\.replicas: 2 → 0`));
    assert.deepEqual(await nothingLeft(), []);
  });

  for (const [title, args, message] of [
    ['ends in the wrong order', ['--good', 'latest', '--bad', 'base:3', '--', 'true'], /does not come before/],
    ['a check that does not find the bad end bad', ['--good', 'base:3', '--bad', 'latest', '--', 'true'], /which is to be bad, the check says good/],
    ['an end that is no point', ['--good', 'base:3', '--bad', 'tomorrow', '--', 'true'], /"tomorrow" is no point/],
  ] as const) {
    it(`is not searched with ${title}`, async () => {
      const { code, stdout, stderr } = await kubekeep('bisect', '--file', file(), ...args);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, message);
    });
  }

  it('is not added to what is no kubeconfig', async () => {
    const { code, stderr } = await kubekeep('at', 'latest', '--file', file(), '--kubeconfig', file());
    assert.equal(code, 2, stderr);
    assert.doesNotMatch(stderr, /writing revision/);
    assert.match(stderr, /cluster\.yaml: it is no kubeconfig/);
  });
});

/** Numbers of the processes that name a folder in their command line. */
function programsIn(folder: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(`/${folder}/`) && /etcd|kube-apiserver/.test(readFileSync(`/proc/${name}/comm`, 'latin1'));
    } catch {
      return false;
    }
  });
}
