import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { exampleClusterFile } from '../../src/cluster/example-file.ts';
import { encryptionKeysOf } from '../../src/objects/encrypted-value.ts';
import { builtInResources } from '../../src/objects/resources.ts';
import { nameOf } from '../../src/objects/stored-objects.ts';
import { Secret } from '../../src/lib/secret.ts';
import { openObjects } from '../../src/operations/objects/open-objects.ts';
import { parse } from 'yaml';
import { comparedWithApi } from '../support/equal-objects.ts';
import { becomeAnotherCluster } from '../support/another-cluster.ts';
import { everyKind, type ApiObject, type ServedVersion } from '../support/every-kind.ts';
import { keptCluster, type KeptCluster } from '../support/kept-cluster.ts';
import { expectZero, kubekeep } from '../support/lab-cluster.ts';
import { runHere } from '../support/run-here.ts';

/** One provider for each kind of encryption, so that all of them are real. */
function encryption(key: Secret): string {
  const [gcm, cbc] = [0, 1].map(() => randomBytes(32).toString('base64'));
  return JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      { resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'k1', secret: key.reveal() }] } }, { identity: {} }] },
      { resources: ['configmaps', 'roles.rbac.authorization.k8s.io'], providers: [{ aesgcm: { keys: [{ name: 'new', secret: gcm }, { name: 'old', secret: gcm }] } }, { identity: {} }] },
      { resources: ['limitranges'], providers: [{ aescbc: { keys: [{ name: 'k1', secret: cbc }] } }, { identity: {} }] },
    ],
  });
}

describe('objects out of a backup', () => {
  let kept: KeptCluster;
  let configuration: string;
  let resources: readonly ServedVersion[];
  const [web, settings] = ['/apis/apps/v1/namespaces/shop/deployments/web', '/api/v1/namespaces/shop/configmaps/settings'];
  const gone = ['/api/v1/namespaces/shop/services/web', '/apis/example.org/v1/namespaces/shop/things/one', '/apis/batch/v1/namespaces/shop/jobs/once?propagationPolicy=Background'];
  /** Revisions at which the Deployment was scaled. */
  const scaled: number[] = [];
  const revisionOf = async (answer: Promise<unknown>) => Number(((await answer) as ApiObject).metadata['resourceVersion']);
  const run = (...args: readonly string[]) => runHere('objects', ...args, '--file', join(kept.folder, 'cluster.yaml'));
  const text = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const configured: string[] = [];
  const json = async (...args: readonly string[]) => JSON.parse(await text(...args, '--json'));

  before(async () => {
    kept = await keptCluster({ encryption: (key) => (configuration = encryption(key)) });
    await writeFile(join(kept.folder, 'cluster.yaml'), exampleClusterFile({ name: 'prod', vip: '198.18.250.100/24', hosts: [{ name: 'cp1', address: '198.18.250.11' }], backup: { repository: 'repository' } }));
    await writeFile(join(kept.folder, 'encryption.yaml'), configuration);
    configured.push('--encryption-config', join(kept.folder, 'encryption.yaml'));
    const every = await everyKind(kept.api);
    assert.deepEqual(every.refused, []);
    resources = every.resources;
    // More than a page of etcd's file.
    await kept.api.post('/api/v1/namespaces/shop/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' }, data: { text: 'x'.repeat(100_000) } });
    await kept.takeBase();
    for (const replicas of [4, 5, 0, 2]) scaled.push(await revisionOf(kept.api.patch(web, { spec: { replicas } })));
    await kept.api.patch('/apis/apps/v1/namespaces/shop/deployments/idle/status', { status: { observedGeneration: 7 } });
    await kept.api.patch('/api/v1/namespaces/shop/secrets/password', { data: { word: Buffer.from('other').toString('base64') } });
    for (const path of gone) await kept.api.delete(path);
    await kept.api.delete(settings);
    await kept.api.post(settings.replace('/settings', ''), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { fresh: 'yes' } });
    const { revision } = await kept.etcd.status();
    await kept.follow(() => revision);
  });
  after(() => kept[Symbol.asyncDispose]());

  it('are, field by field, what the API server gives of each object of each kind in the version that it is stored in', async () => {
    const { state, point } = await (await openObjects(kept.operation, kept.store)).at('latest');
    const keys = encryptionKeysOf(new Secret(configuration));
    const { objects, kinds, older, different, missing } = await comparedWithApi(kept.api, resources, { state, revision: point.revision, keys });
    assert.deepEqual([different, missing], [[], []]);
    assert.deepEqual(older, ['certificates.k8s.io/v1beta1 ClusterTrustBundle', 'resource.k8s.io/v1beta2 DeviceTaintRule', 'storagemigration.k8s.io/v1beta1 StorageVersionMigration']);
    assert.ok(objects >= 262 && kinds.size >= 61, `${objects} objects of ${kinds.size} kinds`);
  });

  it('have the names that the API server gives them', () => {
    const stored = resources.filter(({ verbs, name, group }) => verbs.includes('list') && name !== 'componentstatuses' && group !== 'example.org' && group !== 'events.k8s.io');
    const served = new Map(stored.map((one) => [nameOf({ group: one.group, resource: one.name }), { kind: one.kind, namespaced: one.namespaced, shortNames: one.shortNames ?? [] }]));
    const ours = new Map(builtInResources.map(({ group, resource, kind, namespaced, shortNames }) => [nameOf({ group, resource }), { kind, namespaced, shortNames }]));
    assert.deepEqual(Object.fromEntries([...ours].sort()), Object.fromEntries([...served].sort()));
  });

  it('are listed as they were at a point: by kind, namespace and labels', async () => {
    const names = async (...args: readonly string[]) => ((await json('list', ...args)).objects as readonly PrintedObject[]).map(({ namespace, name }) => `${namespace}/${name}`);
    assert.deepEqual(await names('cm', '-n', 'shop', ...configured), ['shop/large', 'shop/settings']);
    assert.deepEqual(await names('Thing', '-A'), ['default/two']);
    assert.deepEqual(await names('th', '-A', '--at', `revision:${scaled[0]}`), ['default/two', 'shop/one']);
    assert.deepEqual(await names('th'), ['default/two']);
    assert.deepEqual(await names('deploy,sts', '-A', '-l', 'app in (web, db)'), ['shop/web']);
    assert.deepEqual(await names('deploy', '-l', 'app=web'), [], 'it lies in another namespace');
    assert.deepEqual(await names('nodes', '-n', 'shop'), ['/worker1']);
    assert.match(await text('list', 'deploy', '-n', 'shop'), /^NAME +READY +IMAGES +CREATED \(UTC\) +REVISION\nidle +0\/0 +a .*\nweb +0\/2 +nginx:1\.27 .* \d+\n$/);
  });

  it('are got at the very revision that is asked for, and at none beside it', async () => {
    for (const [at, replicas] of [[scaled[0]! - 1, 3], [scaled[0]!, 4], [scaled[1]!, 5], [scaled[2]! - 1, 5], [scaled[2]!, 0], [scaled[3]!, 2]] as const) {
      const { object, revision } = (await json('get', 'deployments.apps/web', '-n', 'shop', '--at', `revision:${at}`)) as PrintedObject;
      assert.deepEqual([object!.spec.replicas, revision <= at], [replicas, true], `revision ${at}`);
    }
    const now = await kept.api.get<ApiObject>(web);
    assert.deepEqual(parse(await text('get', 'deploy/web', '-n', 'shop', '--show-managed-fields')), now);
    assert.deepEqual(JSON.parse(await text('get', 'deploy/web', '-n', 'shop', '-o', 'json', '--show-managed-fields')), now);
    assert.equal(((await json('get', 'cm/large', '-n', 'shop', ...configured)) as PrintedObject).object!['data'].text.length, 100_000);
  });

  it('of kind Secret show nothing of what they hold until it is asked for', async () => {
    const hidden = await text('get', 'secret/password', '-n', 'shop');
    assert.match(hidden, /word: \(hidden \d+, 5 bytes\)/);
    assert.equal(parse(await text('get', 'secret/password', '-n', 'shop', '--reveal')).data.word, Buffer.from('other').toString('base64'));
    const all = await Promise.all([['list', 'secrets', '-A', '-o', 'yaml'], ['history', 'secret/password', '-n', 'shop'], ['diff', '--from', 'base:3', 'secrets']].map((args) => text(...args, ...configured)));
    assert.doesNotMatch([hidden, ...all].join('\n'), new RegExp(['hunter2', 'other'].flatMap((word) => [word, Buffer.from(word).toString('base64')]).join('|')));
    const refused = await run('get', 'secret/password', '-n', 'shop', '-o', 'manifest');
    assert.deepEqual([refused.code, refused.stdout], [2, '']);
    // The key of the others is neither in the state nor beside the base.
    const sealed = await run('list', 'cm', '-n', 'shop');
    assert.deepEqual([sealed.code, /settings .*it is encrypted \(aesgcm, key new\), and that key is not here/.test(sealed.stdout)], [5, true], sealed.stdout);
  });

  it('have a history: each revision once, with who wrote it and what it changed', async () => {
    const { history } = await json('history', 'deploy/web', '-n', 'shop');
    assert.deepEqual(history.slice(1).map((one: any) => [one.kind, one.revision, one.manager, one.changes]), scaled.map((revision, index) => ['changed', revision, 'kubekeep', [{ path: 'spec.replicas', before: [3, 4, 5, 0][index], after: [4, 5, 0, 2][index] }]]));
    assert.equal(history[0].kind, 'there');
    const late = await json('history', 'deploy/web', '-n', 'shop', '--since', `revision:${scaled[1]}`, '--at', `revision:${scaled[2]}`);
    assert.deepEqual(late.history.map((one: any) => one.revision), [scaled[1], scaled[2]]);
    assert.match(await text('history', 'cm/settings', '-n', 'shop', ...configured), /was there already\n.* deleted\n.* made\n$/);
  });

  it('that were deleted are found, and what is printed for each brings it back', async () => {
    const { deleted } = await json('deleted', '--since', '1h');
    assert.deepEqual(deleted.map((one: any) => `${one.resource}/${one.name}`), ['services/web', 'things.example.org/one', 'jobs.batch/once', 'configmaps/settings']);
    assert.deepEqual(deleted.map((one: any) => one.madeAgain !== undefined), [false, false, false, true]);
    for (const since of [`revision:${scaled[3]}`, '1h']) assert.deepEqual((await json('deleted', 'th', '-n', 'shop', '--since', since)).deleted.length, 1, since);
    assert.deepEqual((await json('deleted', '--since', `revision:${deleted[1].revision}`)).deleted.map((one: any) => one.name), ['once', 'settings']);
    const last = await run('get', 'svc/web', '-n', 'shop');
    assert.deepEqual([last.code, last.stderr.includes(`It was deleted at revision ${deleted[0].revision}: --at revision:${deleted[0].before} has it.`)], [2, true], last.stderr);
    for (const [index, path] of gone.entries()) {
      const [, ...command] = (deleted[index].command as string).split(' ');
      await expectZero(kubekeep(...command, '--kubeconfig', kept.kubeconfig, '--yes'));
      assert.equal((await kept.api.get<ApiObject>(path)).metadata.name, deleted[index].name);
    }
  });

  it('are found by a text in names, labels and annotations, with when it was there', async () => {
    const found = async (...args: readonly string[]) => ((await json('search', ...args, '--since', 'base:3', ...configured)).found as readonly any[]).map(({ resource, name, where, what, from, until }) => [`${resource}/${name}`, where, what, from > scaled[0]!, until === undefined]);
    assert.deepEqual(await found('sett', '-n', 'shop'), [['configmaps/settings', 'name', 'settings', false, false], ['configmaps/settings', 'name', 'settings', true, true]]);
    assert.deepEqual((await found('app=web', '-n', 'shop')).filter(([name]) => name === 'deployments.apps/web'), [['deployments.apps/web', 'label', 'app=web', false, true]]);
    assert.deepEqual(await found('hunter2'), []);
    assert.match(await text('search', 'once', '--since', 'base:3', '-n', 'shop', ...configured), /^FROM .*\nbefore +\d+ +\d+ +jobs\.batch\/once +shop +name\n/);
  });

  it('print the fields that a jsonpath names', async () => {
    assert.equal(await text('get', 'deploy/web', '-n', 'shop', '-o', 'jsonpath={.metadata.name} {.spec.replicas}'), 'web 2\n');
    assert.equal(await text('list', 'deploy', '-n', 'shop', '-o', 'jsonpath={range .items[*]}{.metadata.name},{end}'), 'idle,web,\n');
    const refused = await run('get', 'deploy/web', '-o', 'jsonpath={.a[}');
    assert.deepEqual([refused.code, /is no jsonpath as kubectl has it/.test(refused.stderr)], [2, true]);
  });

  it('differ between two points in what changed, and not in noise', async () => {
    const short = async (...args: readonly string[]) => ((await json('diff', ...args)).differences as readonly any[]).map(({ kind, name }) => `${kind} ${name.resource}/${name.name}`);
    assert.deepEqual(await short('--from', 'base:3', ...configured), ['changed configmaps/settings', 'changed deployments.apps/web', 'went jobs.batch/once', 'changed secrets/password', 'went services/web', 'went things.example.org/one'].sort((one, other) => (one.split(' ')[1]! < other.split(' ')[1]! ? -1 : 1)));
    assert.deepEqual(await short('--from', `revision:${scaled[0]}`, '--to', `revision:${scaled[1]}`), ['changed deployments.apps/web']);
    assert.deepEqual(await short('--from', 'latest', '--to', `revision:${scaled[3]}`, 'svc'), ['appeared services/web'], 'backwards');
    assert.match(await text('diff', '--from', 'base:3', 'deploy/web'), /^~ deployments\.apps\/web in shop {2}revision \d+ → \d+\n {2}~ spec\.replicas: 3 → 2\n$/);
    assert.match(await text('diff', '--from', 'base:3', 'deploy/idle', '-n', 'shop', '--all'), /\n {2}. status\.observedGeneration/);
    assert.match(await text('diff', '--from', 'base:3', '-n', 'default'), /^nothing is different/);
  });

  it('of RBAC may have any letters in their names, which are bytes in the keys of etcd, and are bound to them by aesgcm', async () => {
    const [roles, name] = ['/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles', 'größe'];
    const path = `${roles}/${encodeURIComponent(name)}`;
    const made = await revisionOf(kept.api.post(roles, { metadata: { name, labels: { size: 'one' } } }));
    const now = await kept.api.patch<ApiObject>(path, { metadata: { labels: { size: 'two' } } });
    await kept.api.delete(path);
    const { revision } = await kept.etcd.status();
    await kept.follow(() => revision);
    const at = ['--at', `revision:${revision - 1}`, '-n', 'shop', ...configured];
    assert.ok(((await json('list', 'roles', ...at)).objects as readonly PrintedObject[]).some((one) => one.name === name));
    assert.deepEqual(((await json('get', `role/${name}`, '--show-managed-fields', ...at)) as PrintedObject).object, now);
    assert.deepEqual((await json('history', `role/${name}`, '-n', 'shop', ...configured)).history.map((one: any) => [one.kind, one.revision]), [['made', made], ['changed', Number(now.metadata['resourceVersion'])], ['deleted', revision]]);
    await expectZero(kubekeep('objects', 'restore', `role/${name}`, ...at, '--file', join(kept.folder, 'cluster.yaml'), '--kubeconfig', kept.kubeconfig, '--yes'));
    assert.equal((await kept.api.get<ApiObject>(path)).metadata.name, name);
  });

  const live = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run('diff', '--live', ...args, '--json', ...(args.includes('--kubeconfig') ? [] : ['--kubeconfig', kept.kubeconfig]), ...configured);
    assert.notEqual(stdout, '', stderr);
    const { differences, ...rest } = JSON.parse(stdout);
    return { code, ...rest, differences, short: differences.map(({ kind, name, changes }: any) => `${kind} ${name.resource}/${name.name}${changes.map(({ path }: any) => ` ${path}`).join('')}`) };
  };

  it('differ from the cluster as it is in what was done since, in the version that each is stored in', async () => {
    const { revision } = await kept.etcd.status();
    await kept.follow(() => revision);
    const still = await live('--from', 'latest');
    assert.deepEqual([still.code, still.short, still.live], [0, [], { cluster: 'same', notCompared: [], otherVersions: [] }]);
    // One that is stored in a version that is not served, one in an older one that is, one that is encrypted, one that is noise.
    const patch = { metadata: { labels: { touched: 'yes' } } };
    const bundles = '/apis/certificates.k8s.io/v1/clustertrustbundles';
    const [bundle] = (await kept.api.get<{ readonly items: readonly ApiObject[] }>(bundles)).items;
    await kept.api.patch(`${bundles}/${bundle!.metadata.name}`, patch);
    await kept.api.patch('/api/v1/namespaces/shop/secrets/password', { data: { word: Buffer.from('third').toString('base64') } });
    await kept.api.patch('/apis/apps/v1/namespaces/shop/deployments/idle/status', { status: { observedGeneration: 8 } });
    await kept.api.post('/api/v1/namespaces/shop/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'fresh' } });
    await kept.api.delete('/apis/example.org/v1/namespaces/shop/things/one');
    const now = await live('--from', 'latest');
    assert.deepEqual(now.short, [`changed clustertrustbundles.certificates.k8s.io/${bundle!.metadata.name} metadata.labels`, 'appeared configmaps/fresh', 'changed secrets/password data.word', 'went things.example.org/one']);
    assert.deepEqual(now.live.otherVersions, [{ resource: 'clustertrustbundles.certificates.k8s.io', stored: 'certificates.k8s.io/v1beta1', served: 'certificates.k8s.io/v1' }]);
    // Whatever the API server writes for itself comes after it.
    assert.ok(now.differences[1].after <= now.to && now.to <= (await kept.etcd.status()).revision, `${now.to}`);
    assert.match(JSON.stringify(now.differences[2].changes), /\(hidden \d, 5 bytes\)/);
    const all = (await live('--from', 'latest', 'deploy/idle', '-n', 'shop', '--all')).short;
    assert.deepEqual([all.length, / status\.observedGeneration/.test(all[0])], [1, true], String(all));
    for (const [args, expected] of [[['cm', '-n', 'shop'], 1], [['-n', 'shop'], 3], [['things', '-n', 'shop'], 1], [['things/two'], 0], [['deploy', '-A'.slice(2), '-l', 'app=web'].filter(Boolean), 0]] as const) assert.equal((await live('--from', 'latest', ...args)).short.length, expected, args.join(' '));
    assert.match(await text('diff', '--from', 'latest', '--live', 'deploy', '--kubeconfig', kept.kubeconfig), /^nothing is different between revision \d+ and the cluster as it is but what --all would show$/m);
    const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.org';
    await kept.api.delete(definition);
    for (const end = performance.now() + 60_000; await kept.api.get(definition).then(() => true, () => false); await systemClock.sleep(100)) assert.ok(performance.now() < end, 'it is still there');
    const undefinedThings = await live('--from', 'latest', 'things');
    assert.deepEqual([undefinedThings.short, undefinedThings.live.notCompared], [['went things.example.org/two', 'went things.example.org/one'], []]);
  });

  it('are compared with what a user of few rights may see, and the rest is named', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop';
    await kept.api.post(`${rbac}/roles`, { metadata: { name: 'looks' }, rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['list'] }] });
    await kept.api.post(`${rbac}/rolebindings`, { metadata: { name: 'looks' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'looks' }, subjects: [{ kind: 'ServiceAccount', name: 'builder', namespace: 'shop' }] });
    const { status } = await kept.api.post<{ readonly status: { readonly token: string } }>('/api/v1/namespaces/shop/serviceaccounts/builder/token', { spec: {} });
    const own = parse(await readFile(kept.kubeconfig, 'utf8'));
    own.users[0].user = { token: status.token };
    const path = join(kept.folder, 'few-rights.yaml');
    await writeFile(path, JSON.stringify(own), { mode: 0o600 });
    const few = await live('--from', `revision:${scaled[0]}`, 'deploy,cm', '-n', 'shop', '--kubeconfig', path);
    assert.deepEqual([few.code, few.to, few.live.cluster, few.short], [5, undefined, 'unknown', ['changed deployments.apps/web spec.replicas']]);
    assert.deepEqual(few.live.notCompared.map(({ resource, why }: any) => [resource, /is forbidden: User "system:serviceaccount:shop:builder" cannot list/.test(why)]), [['configmaps', true]]);
  });

  it('are compared with those of another cluster without what belongs to one life of an object, and that is said', async () => {
    await kept.api.delete('/api/v1/namespaces/shop/services/web');
    const { stdout } = await expectZero(kubekeep('objects', 'get', 'svc/web', '-n', 'shop', '-o', 'manifest', '--file', join(kept.folder, 'cluster.yaml')));
    await kept.api.post('/api/v1/namespaces/shop/services', parse(stdout));
    const services = ['--from', 'latest', 'svc/web', '-n', 'shop'];
    assert.deepEqual((await live(...services)).short, ['changed services/web metadata.creationTimestamp metadata.uid spec.clusterIP spec.clusterIPs[0] spec.ports[http].nodePort spec.ports[raw].nodePort']);
    await becomeAnotherCluster(kept);
    const other = await live(...services);
    assert.deepEqual([other.live.cluster, other.short], ['other', []]);
    assert.ok((await live(...services, '--all')).short[0].includes(' metadata.uid'));
    assert.match(await text('diff', '--live', ...services, '--kubeconfig', kept.kubeconfig), /^this is another cluster than that of the backup/);
  });

  it('are read out of a snapshot file without a repository', async () => {
    const path = join(kept.folder, 'snap.db');
    await writeFile(path, Buffer.concat(await Array.fromAsync(kept.etcd.snapshot())));
    const { stdout } = await expectZero(kubekeep('objects', 'get', 'deploy/web', '-n', 'shop', '--from-file', path, '--show-managed-fields', '--file', '/nowhere'));
    assert.deepEqual(parse(stdout), await kept.api.get(web));
  });

  for (const [title, args, code, message] of [
    ['a kind that is none', ['list', 'deploiments'], 2, /no kind of object is called "deploiments"[^]*Was deployments meant\?/],
    ['a kind that was not defined then', ['list', 'gadgets.example.org'], 2, /no kind of object[^]*(things meant|custom resources at that point: things\.example\.org)/],
    ['an object that never was', ['get', 'deploy/none'], 2, /there was no deployments\.apps\/none in namespace default/],
    ['the history of one', ['history', 'deploy/none'], 2, /there was no deployments\.apps\/none in namespace default at any time/],
    ['no object', ['get', 'deploy'], 2, /"deploy" is no object[^]*KIND\/NAME/],
    ['no point', ['list', 'po', '--at', 'yesterday'], 2, /"yesterday" is no point/],
    ['a revision that is to come', ['list', 'po', '--at', 'revision:999999'], 2, /is the last one before that/],
    ['a file that is none', ['list', 'po', '--from-file', '/nowhere'], 2, /\/nowhere cannot be read/],
    ['a file that is no database', ['list', 'po', '--from-file', '/etc/passwd'], 1, /valid meta page/],
    ['a point of a file', ['list', 'po', '--from-file', '/etc/passwd', '--at', 'latest'], 2, /a file is one point/],
    ['two other sides', ['diff', '--from', '1h', '--to', 'latest', '--live'], 2, /a diff has one other side: give either --to or --live/],
    ['a cluster that nobody asked for', ['diff', '--from', '1h', '--kubeconfig', '/nowhere'], 2, /--kubeconfig names the cluster that --live compares with/],
    ['no selector', ['list', 'po', '-l', 'a=b=c'], 2, /no label selector/],
  ] as const) {
    it(`${title} is refused`, async () => {
      const { code: found, stdout, stderr } = await run(...args);
      assert.deepEqual([found, stdout], [code, ''], stderr);
      assert.match(stderr, message);
    });
  }
});

interface PrintedObject {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly object?: { readonly [field: string]: any };
}
